import { ACCESS_TOKENS, AUTHORIZED, VERIFIED } from "../labels.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { Row } from "../results.ts";
import type { World } from "../world.ts";

/** What a service does for each request that shows it an access token: verify it, and decide without patterns. */
export async function measureAccessTokens({ scale }: World): Promise<readonly Row[]> {
  await using library = new Library();
  const of = (work: "authorize" | "verify-access", times: number): LibraryCandidate => ({
    head: { group: ACCESS_TOKENS, name: `${work} \u00d7 ${times}`, program: "library" },
    job: () => ({ do: work, times }),
  });
  return await library.interleave([of("authorize", AUTHORIZED), of("verify-access", VERIFIED)], scale.openRounds);
}
