import { PASSPHRASE } from "../../../test/support/vault-fixture.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { RequestCount, Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import { tokenOf } from "../s3-vault.ts";
import type { World } from "../world.ts";

const AUDIT = "audit log over S3";
const ROUND_TRIP_MS = 5;

/** A commit on a short and on a long log (it appends one row), and a verification of all rows. Lowest KDF cost. */
export async function measureAudit({
  scale,
}: World): Promise<{ rows: readonly Row[]; requests: readonly RequestCount[] }> {
  await using library = new Library();
  await using server = await S3Server.start();
  const logs: { auditRows: number; token: string }[] = [];
  for (const auditRows of scale.auditRows) {
    const prefix = `api/${auditRows}/`;
    logs.push({ auditRows, token: tokenOf(server.place, prefix, await server.buildLog(auditRows, prefix)) });
  }
  await server.setLatency(ROUND_TRIP_MS);
  const of = (work: "set" | "verify") =>
    logs.map(({ auditRows, token }): LibraryCandidate => {
      const head = { group: AUDIT, name: work, program: "library", auditRows, roundTripMs: ROUND_TRIP_MS };
      return { head, job: () => ({ do: work, token, passphrase: PASSPHRASE }) };
    });
  const set = await library.interleave(of("set"), scale.openRounds);
  const verify = await library.interleave(of("verify"), Math.min(2, scale.openRounds));
  const requests: RequestCount[] = [];
  for (const { auditRows, token } of logs) {
    await server.count();
    await library.time({ do: "set", token, passphrase: PASSPHRASE });
    const counted = await server.count();
    requests.push({ operation: `set, ${auditRows} rows in the log`, requests: counted.requests });
  }
  return { rows: [...set, ...verify], requests };
}
