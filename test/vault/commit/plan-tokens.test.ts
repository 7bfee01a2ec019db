import { expect, test } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { effectsOn, planTokens } from "../../../src/vault/commit/plan-tokens.ts";
import { encodeRoll, MAX_ROLL_BYTES, type Roll } from "../../../src/vault/format/tokens/roll.ts";
import { ACTOR, rejection } from "../../support/world.ts";

const AT = "2026-01-01T00:00:00.000Z";

/** The vectors `scoped/plan-*` show what a commit makes of a roll; the rolls here contradict the vault. */
function rollOf(count: number, meter: string): Roll {
  const tokens = Array.from({ length: count }, (_, at) => ({
    claims: {
      id: `tok_${at.toString(16).padStart(32, "0")}`,
      kind: "live" as const,
      capabilities: [],
      meters: [meter.repeat(at === 7 ? 2 : 1)],
      created_at: AT,
    },
    last_four: "abcd",
    recipient: "",
    signing: "",
    created_by: ACTOR,
  }));
  return { tokens };
}

const planning = (roll: Roll) =>
  planTokens(roll, { repo: "api", env: "prod", items: [] }, { atMs: Date.parse(AT), otherSlots: 1 });

test("as many live tokens as slots are planned", async () => {
  expect((await planning(rollOf(1023, "m"))).live).toHaveLength(1023);
});

test.each([
  [
    "more live tokens than slots",
    rollOf(1024, "m"),
    "the vault would have 1024 live tokens, but only 1023 fit beside its",
  ],
  [
    "live records of more than 1 MiB",
    rollOf(900, "m".repeat(1000)),
    "; the largest is tok_00000000000000000000000000000007",
  ],
])("%s are refused, and the error says what takes the room", async (_name, roll, said) => {
  expect(await rejection(planning(roll))).toMatchObject({
    name: "InputError",
    message: expect.stringContaining(said),
    hint: expect.stringContaining("vsync tokens list"),
  });
});

test("ended records fill the roll to its last byte, and not one more", async () => {
  const roll = rollOf(300, "m".repeat(1000));
  const ended = (more: number): Roll => ({
    tokens: roll.tokens.map(({ claims, ...record }, at) => ({
      claims: { ...claims, meters: ["m".repeat(at === 0 ? 1000 + more : 1000)] },
      ...record,
      revoked_at: AT,
    })),
  });
  const room = MAX_ROLL_BYTES - encodeRoll(ended(0)).length;
  for (const [more, kept] of [
    [room, 300],
    [room + 1, 299],
  ] as const)
    expect((await planning(ended(more))).roll.tokens).toHaveLength(kept);
});

test("a token for this env alone gains what is added, and loses all when the vault becomes another env's", async () => {
  const [record = expect.unreachable()] = rollOf(1, "m").tokens;
  const claims = { ...record.claims, grants: [{ projects: ["api/prod"], scopes: { secrets: { read: true } } }] };
  const vault = { repo: "api", env: "prod", roll: { tokens: [{ ...record, claims }] }, nowMs: Date.parse(AT) };
  const [before, after] = [["A"], ["A", "B"]].map((names) =>
    names.map((name) => ({ name, kind: "secret" as const, data: Secret.ofText("1") })),
  );
  if (before === undefined || after === undefined) expect.unreachable();
  const effects = { id: claims.id, lastFour: "abcd", name: null };
  expect(await effectsOn(vault, before, after)).toEqual([{ ...effects, gains: ["B"], loses: [] }]);
  const to = { repo: "api", env: "staging" };
  expect(await effectsOn({ ...vault, to }, after, after)).toEqual([{ ...effects, gains: [], loses: ["A", "B"] }]);
});
