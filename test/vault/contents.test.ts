import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { InputError } from "../../src/errors.ts";
import type { NamedData } from "../../src/vault/changes.ts";
import { itemNameFault } from "../../src/vault/format/item.ts";
import { sampled } from "../support/samples.ts";
import { rejection, World } from "../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await World.pushed({ A: "1" });
});

interface Plain {
  readonly name: string;
  readonly kind: "secret" | "file";
  readonly mode?: number;
  readonly data: Uint8Array;
}

const plain = ({ data, ...rest }: Plain | NamedData) => ({
  ...rest,
  data: Buffer.from(data instanceof Uint8Array ? data : data.expose()).toString("hex"),
});
const named = (items: readonly Plain[]): NamedData[] =>
  items.map((item) => ({ ...item, data: Secret.ofBytes(item.data.slice()) }));

const anyItem: fc.Arbitrary<Plain> = fc.record(
  {
    name: fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.constantFrom("A", "a/b", "../x", "x".repeat(1025))),
    kind: fc.constantFrom("secret", "file"),
    mode: fc.oneof(fc.constant(0o600), fc.constantFrom(0, 0o777, 0o1755, -1, 0.5, Number.NaN)),
    data: fc.oneof(
      fc.string({ unit: "grapheme" }).map((value) => new TextEncoder().encode(value)),
      fc.uint8Array({ maxLength: 40 }),
    ),
  },
  { requiredKeys: ["name", "kind", "data"] },
);

test("what a push takes opens again, whole and in order; what it refuses it has not begun to write", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyItem, { maxLength: 5 }), async (items) => {
      const fork = world.fork();
      try {
        await fork.push(named(items), { mayEmpty: true });
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect(fork.store.requests.map(({ operation }) => operation)).toEqual(["get", "get"]);
        return;
      }
      taken++;
      const { bundle } = await fork.open();
      const expected = items.map(({ mode, ...item }) =>
        plain(item.kind === "file" && mode !== undefined ? { ...item, mode } : item),
      );
      expect(bundle.items.map(({ id: _id, ...item }) => plain(item))).toEqual(expected);
    }),
    sampled(300),
  );
  expect(taken).toBeGreaterThan(50);
});

describe("refused before anything is written", () => {
  const secret = (data: Uint8Array): NamedData => ({ name: "S", kind: "secret", data: Secret.ofBytes(data) });
  const file = (mode: number): NamedData => ({ name: "f", kind: "file", mode, data: Secret.ofText("x") });
  const cases: readonly [string, readonly NamedData[]][] = [
    ["a secret that is not UTF-8", [secret(Uint8Array.of(0xff))]],
    ["a secret with an encoded surrogate", [secret(Uint8Array.of(0xed, 0xa0, 0x80))]],
    ["a file's mode above 0o777", [file(0o1000)]],
    ["a file's mode below 0", [file(-1)]],
    ["a name twice", [file(0), file(0)]],
  ];
  test.each(cases)("%s", async (_name, items) => {
    const fork = world.fork();
    expect(await rejection(fork.set(items))).toBeInstanceOf(InputError);
    expect(fork.store.requests.map(({ operation }) => operation)).toEqual(["get", "get"]);
  });
});

describe("item names", () => {
  const names = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("a", ".", "/", "\\", "\u0000", "\u007f", "\u0085", "é", "\ud800") }),
    fc.integer({ min: 1020, max: 1030 }).map((length) => "x".repeat(length)),
  );

  test("a secret's name: 1…1024 bytes of well-formed text without C0, DEL and C1", () => {
    fc.assert(
      fc.property(names, (name) => {
        const bytes = new TextEncoder().encode(name).length;
        const control = [...name].some((character) => isControl(character.codePointAt(0) ?? 0));
        const good = bytes >= 1 && bytes <= 1024 && !control && name.isWellFormed();
        expect(itemNameFault(name, "secret") === null).toBe(good);
      }),
      sampled(2000),
    );
  });

  test("a file's name is a secret's that stays inside its folder, on every system", () => {
    fc.assert(
      fc.property(names, (name) => {
        const inside = name.split("/").every((segment) => !["", ".", ".."].includes(segment)) && !name.includes("\\");
        const good = itemNameFault(name, "secret") === null && inside;
        expect(itemNameFault(name, "file") === null).toBe(good);
      }),
      sampled(2000),
    );
  });
});

function isControl(codePoint: number): boolean {
  return codePoint <= 0x1f || (codePoint >= 0x7f && codePoint <= 0x9f);
}

test("every generation draws its items' ids anew, so nobody can follow one secret through the bucket", async () => {
  const fork = world.fork();
  await fork.push({ A: "1", B: "2" });
  await fork.set({ C: "3" });
  await fork.rotate("the old passphrase", "another");
  await fork.restore(1, { by: "another" });
  const ids = [...fork.store.bucket].flatMap(([key, { bytes }]) => {
    if (!key.startsWith("v=")) return [];
    const line = Buffer.from(bytes.subarray(0, bytes.indexOf(0x0a))).toString();
    return (JSON.parse(line) as { items: { id: string }[] }).items.map(({ id }) => id);
  });
  expect(ids).toHaveLength(1 + 2 + 3 + 3 + 1);
  expect(new Set(ids).size).toBe(ids.length);
});
