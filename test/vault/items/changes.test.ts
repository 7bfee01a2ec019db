import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { InputError } from "../../../src/errors.ts";
import type { NamedData } from "../../../src/vault/items/changes.ts";
import { anyText, sampled } from "../../support/samples.ts";
import { NEW, OLD, rejection, secretItems, World } from "../../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.pushed({ A: "1", B: "2" });
});

const file = (data: string, mode?: number): NamedData => ({
  name: "f",
  kind: "file",
  ...(mode === undefined ? {} : { mode }),
  data: Secret.ofText(data),
});

describe("changes", () => {
  test("are told by name, sorted", async () => {
    const pushed = await world.push({ Z: "", C: "3", B: "2", A: "9" });
    expect(pushed.plan).toEqual({ added: ["C", "Z"], changed: ["A"], removed: [], unchanged: ["B"] });
    const { plan } = await world.push({ C: "3" });
    expect(plan).toEqual({ added: [], changed: [], removed: ["A", "B", "Z"], unchanged: ["C"] });
  });

  test("are of data, kind or mode", async () => {
    const told: string[][] = [];
    for (const step of [file("x", 0o600), file("x", 0o640), file("x"), file("y"), { ...file("y"), kind: "secret" }]) {
      told.push([...(await world.push([step as NamedData])).plan.changed]);
    }
    expect(told).toEqual([[], ["f"], ["f"], ["f"], ["f"]]);
    expect((await world.push([{ ...file("y"), kind: "secret" }])).committed).toBeNull();
  });
});

test("every generation draws its items' ids anew, so nobody can follow one secret through the bucket", async () => {
  await world.push({ A: "1", B: "3" });
  await world.set({ C: "3" });
  await world.rotate(OLD, NEW);
  await world.restore(1, { by: NEW });
  const ids = [...world.store.bucket].flatMap(([key, { bytes }]) => {
    if (!key.startsWith("v=")) return [];
    const line = Buffer.from(bytes.subarray(0, bytes.indexOf(0x0a))).toString();
    return (JSON.parse(line) as { items: { id: string }[] }).items.map(({ id }) => id);
  });
  expect(ids).toHaveLength(2 + 2 + 3 + 3 + 2);
  expect(new Set(ids).size).toBe(ids.length);
});

test("a mode given for a secret is dropped: only files have one", async () => {
  await world.push([{ name: "S", kind: "secret", mode: 0o600, data: Secret.ofText("x") }]);
  expect((await world.open()).bundle.items[0]).not.toHaveProperty("mode");
});

test.each<[string, readonly NamedData[], string]>([
  ["a name twice", [file("x"), file("y")], 'the name "f" appears twice'],
  ["a bad name", [{ ...file("x"), name: "../x" }], 'file "../x" has a name that must not have a segment . or ..'],
  [
    "a binary secret",
    [{ name: "S", kind: "secret", data: Secret.ofBytes(Uint8Array.of(0xed, 0xa0, 0x80)) }],
    'secret "S" must be UTF-8 text: other bytes go into a file',
  ],
])("%s is refused before anything is written", async (_name, items, message) => {
  const empty = await World.empty();
  for (const act of [() => world.push(items), () => world.set(items), () => empty.push(items)]) {
    expect(await rejection(act())).toMatchObject({
      name: "InputError",
      message,
      hint: "rename it or leave it out; a file and a secret may not have the same name either",
    });
  }
});

interface Plain {
  readonly name: string;
  readonly kind: "secret" | "file";
  readonly mode?: number;
  readonly data: Uint8Array;
}

const anyItem: fc.Arbitrary<Plain> = fc.record(
  {
    name: fc.oneof(anyText({ maxLength: 12 }), fc.constantFrom("A", "a/b", "../x", "x".repeat(1025))),
    kind: fc.constantFrom("secret", "file"),
    mode: fc.oneof(fc.constant(0o600), fc.constantFrom(0, 0o777, 0o1755, -1, 0.5, Number.NaN)),
    data: fc.oneof(
      fc.string({ unit: "grapheme" }).map((value) => new TextEncoder().encode(value)),
      fc.uint8Array({ maxLength: 40 }),
    ),
  },
  { requiredKeys: ["name", "kind", "data"] },
);

test("an accepted push opens again, whole and in order; a refused one writes nothing", async () => {
  const plain = ({ data, ...rest }: Plain | NamedData) => ({
    ...rest,
    data: Buffer.from(data instanceof Uint8Array ? data : data.expose()).toString("hex"),
  });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyItem, { maxLength: 5 }), async (items) => {
      const fork = world.fork();
      const named = items.map((item): NamedData => ({ ...item, data: Secret.ofBytes(item.data.slice()) }));
      try {
        await fork.push(named, { mayEmpty: true });
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect(fork.objects()).toEqual(world.objects());
        return;
      }
      taken++;
      const expected = items.map(({ mode, ...item }) =>
        plain(item.kind === "file" && mode !== undefined ? { ...item, mode } : item),
      );
      expect((await fork.open()).bundle.items.map(({ id: _id, ...item }) => plain(item))).toEqual(expected);
    }),
    sampled(200),
  );
  expect(taken).toBeGreaterThan(0);
});

test("note and meta go into the row as they are", async () => {
  const annotation = { note: "why", meta: { ticket: "OPS-1", nested: [{ a: null }] } };
  await world.set({ C: "3" }, annotation);
  await world.push(secretItems({ A: "1" }), annotation);
  const { rows } = await world.audit();
  for (const row of rows.slice(1)) expect(row).toMatchObject(annotation);
  expect(rows[0]).not.toHaveProperty("note");
  expect(rows[0]?.meta).toEqual({});
});
