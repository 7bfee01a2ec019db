import { PASSPHRASE } from "../../../test/support/vault-fixture.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import { secretsOf, vaultAt } from "../s3-vault.ts";
import type { World } from "../world.ts";
import { derivation } from "./library-open.ts";

const LIBRARY_ROTATE = "rotate over S3";
const OTHER_PASSPHRASE = "another horse battery staple";

/** With a hint from before an earlier rotation, as on a machine that missed a rotation. */
const OLD_HINT = "rotate, old hint";

/** A rotation by round trip and number of secrets; rounds rotate forward and back in turn. */
export async function measureLibraryRotate({ scale }: World): Promise<readonly Row[]> {
  await using library = new Library();
  await using servers = new AsyncDisposableStack();
  const rotations = [
    ...scale.rotatedSecrets.map((secrets) => ({ name: "rotate", secrets })),
    { name: OLD_HINT, secrets: Math.min(...scale.rotatedSecrets) },
  ];
  const candidates: LibraryCandidate[] = [derivation(LIBRARY_ROTATE)];
  for (const roundTripMs of scale.roundTripsMs) {
    const server = servers.use(await S3Server.start());
    const tokens = await Promise.all(
      rotations.map(({ secrets }, at) => vaultAt(server.place, `api/${at}/`, secretsOf(secrets))),
    );
    await server.setLatency(roundTripMs);
    for (const [at, rotation] of rotations.entries()) {
      candidates.push(candidate({ roundTripMs, ...rotation }, tokens[at] ?? ""));
    }
  }
  return await library.interleave(candidates, scale.writeRounds);
}

function candidate(head: { name: string; roundTripMs: number; secrets: number }, token: string): LibraryCandidate {
  return {
    head: { group: LIBRARY_ROTATE, program: "library", ...head },
    job: (round) => {
      const [passphrase, newPassphrase] =
        round % 2 === 0 ? [PASSPHRASE, OTHER_PASSPHRASE] : [OTHER_PASSPHRASE, PASSPHRASE];
      return { do: "rotate", token, passphrase, newPassphrase, remembers: head.name !== OLD_HINT };
    },
  };
}
