import { expect, test } from "vitest";
import { type GatewayView, signingKeyFor, Views } from "../../src/backend/views.ts";
import type { TokenSnapshot } from "../../src/tokens/snapshot.ts";

const START_MS = Date.parse("2026-01-01T00:00:00.000Z");
const at = (seconds: number): string => new Date(START_MS + seconds * 1000).toISOString();

/** The kid of the key that signs for the backend `web`, this many seconds after the start. */
function signerAt(seconds: number, keys: readonly object[]): string | undefined {
  const view = { signingKeys: keys } as unknown as GatewayView;
  return signingKeyFor(view, "web", START_MS + seconds * 1000)?.kid;
}

test.each([
  [0, "old"],
  [119.999, "old"],
  [120, "new"],
  [599.999, "new"],
])("a new key signs once every origin has had 120 s to learn of it: after %d s, %s", (seconds, expected) => {
  const keys = [
    { kid: "new", not_before: at(0) },
    { kid: "old", not_after: at(600) },
  ];
  expect(signerAt(seconds, keys)).toBe(expected);
});

test("an only key signs at once; of two that are too new, the older one signs", () => {
  expect(signerAt(0, [{ kid: "only", not_before: at(0) }])).toBe("only");
  const both = [
    { kid: "second", not_before: at(30) },
    { kid: "first", not_before: at(10) },
  ];
  expect(signerAt(40, both)).toBe("first");
});

test("a key that has ended, or that is for other backends, signs nothing", () => {
  expect(signerAt(600, [{ kid: "old", not_after: at(600) }])).toBeUndefined();
  expect(signerAt(0, [{ kid: "api", backends: ["api"] }])).toBeUndefined();
  expect(signerAt(0, [{ kid: "web", backends: ["api", "web"] }])).toBe("web");
});

test("an expiring token ends on time, even if the vault does not respond", async () => {
  let atMs = START_MS;
  const source = { openedToken: null, readToken: async () => ({}) as TokenSnapshot };
  const view = { gen: 1, untilMs: START_MS + 1000 };
  const views = new Views(source, () => view, { clock: { nowMs: () => atMs }, maxStaleMinutes: () => 60 });
  await views.get();
  atMs += 999;
  expect(views.peek()).toBe(view);
  atMs += 1;
  expect(() => views.peek()).toThrow(expect.objectContaining({ code: "jwks_unavailable" }));
  await expect(views.get()).rejects.toMatchObject({ code: "jwks_unavailable" });
});
