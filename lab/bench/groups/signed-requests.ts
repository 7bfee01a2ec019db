import {
  FIRST_REQUEST,
  REQUESTS,
  SIGNATURES_ALONE,
  SIGNED_REQUESTS,
  UNSIGNED_LARGE,
  UNSIGNED_SMALL,
} from "../labels.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { RequestJob } from "../requests.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import { originVaultAt, secretsOf } from "../s3-vault.ts";
import type { World } from "../world.ts";

/** How many requests without a signature a row sends: each takes a connection. */
const REFUSED = 100;
const SECRETS = 50;
/** As behind a busy server. */
const AT_ONCE = 64;
const VERIFIES_AT_ONCE = `verifies 1 KiB, ${AT_ONCE} at once`;

/** What an origin does for each request, beside npm's package in the same run, and for its first one. */
export async function measureSignedRequests({ scale }: World): Promise<readonly Row[]> {
  await using library = new Library();
  await using servers = new AsyncDisposableStack();
  const of = (name: string, job: RequestJob & { readonly times: number }): LibraryCandidate => ({
    head: { group: SIGNED_REQUESTS, name: `${name} × ${job.times}`, program: "library" },
    job: () => job,
  });
  const verify = (name: string, by: "vsync" | "npm" | "crypto.verify", atOnce = 1) =>
    of(name, { do: "verify-request", by, times: REQUESTS, atOnce });
  const refuse = (name: string, bytes: number) => of(name, { do: "refuse-request", bytes, times: REFUSED });
  const candidates = [
    verify(`vsync/backend ${VERIFIES_AT_ONCE}`, "vsync", AT_ONCE),
    verify("vsync/backend verifies 1 KiB, one after the other", "vsync"),
    verify(SIGNATURES_ALONE, "crypto.verify"),
    ...(scale.withPeers ? [verify(`npm @farthershore/backend ${VERIFIES_AT_ONCE}`, "npm", AT_ONCE)] : []),
    refuse(UNSIGNED_SMALL, 1024),
    refuse(UNSIGNED_LARGE, 10 * 1024 * 1024),
  ];
  for (const roundTripMs of scale.roundTripsMs) {
    const server = servers.use(await S3Server.start());
    const tokens = await originVaultAt(server.place, "api/prod/", secretsOf(SECRETS));
    await server.setLatency(roundTripMs);
    const head = { group: SIGNED_REQUESTS, name: FIRST_REQUEST, program: "library", roundTripMs, secrets: SECRETS };
    candidates.push({ head, job: () => ({ do: "first-request", ...tokens }) });
  }
  return await library.interleave(candidates, scale.openRounds);
}
