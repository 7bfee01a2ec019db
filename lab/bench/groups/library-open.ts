import { PASSPHRASE } from "../../../test/support/vault-fixture.ts";
import { CONTROL } from "../interleave.ts";
import { OPEN_SCOPED } from "../labels.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import { scopedVaultAt, secretsOf, vaultAt } from "../s3-vault.ts";
import type { World } from "../world.ts";

const LIBRARY_OPEN = "Vsync.open over S3";
const SECRETS = 50;

/** `Vsync.open()` of 50 secrets by round trip, in a process that has loaded the library, beside its lower bounds. */
export async function measureLibraryOpen({ scale }: World): Promise<readonly Row[]> {
  await using library = new Library();
  await using servers = new AsyncDisposableStack();
  const candidates: LibraryCandidate[] = [derivation(LIBRARY_OPEN)];
  for (const roundTripMs of scale.roundTripsMs) {
    const server = servers.use(await S3Server.start());
    const token = await vaultAt(server.place, "api/prod/", secretsOf(SECRETS));
    const scoped = await scopedVaultAt(server.place, "scoped/prod/", secretsOf(SECRETS));
    await server.setLatency(roundTripMs);
    const head = { group: LIBRARY_OPEN, program: "library", roundTripMs, secrets: SECRETS };
    for (const work of ["round-trip", "open", "open-in-sequence"] as const) {
      const job = { do: work, token, passphrase: PASSPHRASE };
      candidates.push({ head: { ...head, name: work }, job: () => job });
    }
    const job = { do: "open", token: scoped, passphrase: "" } as const;
    candidates.push({ head: { ...head, name: OPEN_SCOPED }, job: () => job });
  }
  return await library.interleave(candidates, scale.openRounds);
}

/** The control for the library: one derivation at the default cost. */
export function derivation(group: string): LibraryCandidate {
  return { head: { group, name: "derive", program: CONTROL }, job: () => ({ do: "derive" }) };
}
