import { PASSPHRASE } from "../../test/support/vault-fixture.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import { secretsOf, vaultAt } from "../s3-vault.ts";
import type { World } from "../world.ts";
import { derivation } from "./library-open.ts";

const LIBRARY_ROTATE = "rotate over S3";
const OTHER_PASSPHRASE = "another horse battery staple";

/** A rotation by round trip and by number of secrets; every round rotates back or forth. */
export async function measureLibraryRotate({ scale }: World): Promise<readonly Row[]> {
  await using library = new Library();
  await using servers = new AsyncDisposableStack();
  const candidates: LibraryCandidate[] = [derivation(LIBRARY_ROTATE)];
  for (const roundTripMs of scale.roundTripsMs) {
    const server = servers.use(await S3Server.start());
    const tokens = await Promise.all(
      scale.rotatedSecrets.map((secrets) => vaultAt(server.place, `api/${secrets}/`, secretsOf(secrets))),
    );
    await server.setLatency(roundTripMs);
    for (const [at, secrets] of scale.rotatedSecrets.entries()) {
      candidates.push(candidate({ roundTripMs, secrets }, tokens[at] ?? ""));
    }
  }
  return await library.interleave(candidates, scale.writeRounds);
}

function candidate(head: { roundTripMs: number; secrets: number }, token: string): LibraryCandidate {
  return {
    head: { group: LIBRARY_ROTATE, name: "rotate", program: "library", ...head },
    job: (round) => {
      const [passphrase, newPassphrase] =
        round % 2 === 0 ? [PASSPHRASE, OTHER_PASSPHRASE] : [OTHER_PASSPHRASE, PASSPHRASE];
      return { do: "rotate", token, passphrase, newPassphrase };
    },
  };
}
