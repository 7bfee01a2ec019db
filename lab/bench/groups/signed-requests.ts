import { REQUESTS, SIGNED_REQUESTS, UNSIGNED_LARGE, UNSIGNED_SMALL } from "../labels.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { RequestJob } from "../requests.ts";
import type { Row } from "../results.ts";
import type { World } from "../world.ts";

/** How many requests without a signature a row sends: each takes a connection. */
const REFUSED = 20;

/** What an origin does for each request, beside npm's package in the same run. */
export async function measureSignedRequests({ scale }: World): Promise<readonly Row[]> {
  await using library = new Library();
  const of = (name: string, job: RequestJob): LibraryCandidate => ({
    head: { group: SIGNED_REQUESTS, name: `${name} × ${job.times}`, program: "library" },
    job: () => job,
  });
  const verify = (name: string, by: "vsync" | "npm") => of(name, { do: "verify-request", by, times: REQUESTS });
  const refuse = (name: string, bytes: number) => of(name, { do: "refuse-request", bytes, times: REFUSED });
  const verified = [
    verify("vsync/backend verifies 1 KiB", "vsync"),
    verify("npm @farthershore/backend verifies 1 KiB", "npm"),
  ];
  const refused = [refuse(UNSIGNED_SMALL, 1024), refuse(UNSIGNED_LARGE, 10 * 1024 * 1024)];
  return await library.interleave(
    [...(scale.withPeers ? verified : verified.slice(0, 1)), ...refused],
    scale.openRounds,
  );
}
