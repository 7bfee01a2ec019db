import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskedValues, Redactor, unmaskedNames, ValueIndex } from "../../../src/cli/run/redaction.ts";
import { SEED, secret } from "../exported-items.ts";

type Named = readonly (readonly [name: string, value: string])[];

const itemsOf = (values: Named) => values.map(([name, value]) => secret(name, value));

/** The output for an input that comes in these chunks. */
function redacted(index: ValueIndex, chunks: readonly Uint8Array[]): Buffer {
  const redactor = new Redactor(index);
  return Buffer.concat([...chunks.map((chunk) => redactor.push(chunk)), redactor.end()]);
}
const redact = (values: Named, ...chunks: string[]): string =>
  redacted(
    new ValueIndex(maskedValues(itemsOf(values))),
    chunks.map((it) => Buffer.from(it)),
  ).toString();

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((it) => it % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

describe("a value is masked", () => {
  test.each<[string, Named, string[], string]>([
    ["in one chunk", [["KEY", "planted"]], ["a planted b planted"], "a [KEY] b [KEY]"],
    ["across chunks", [["KEY", "planted"]], ["a pl", "ant", "", "ed b"], "a [KEY] b"],
    ["byte by byte", [["KEY", "plântéd🔑"]], Array.from("x plântéd🔑 y"), "x [KEY] y"],
    ["at the end", [["KEY", "planted"]], ["a plan", "ted"], "a [KEY]"],
    [
      "the longest that stands there",
      [
        ["A", "plan"],
        ["B", "planted"],
      ],
      ["plan planted plante"],
      "[A] [B] [A]te",
    ],
    [
      "the longest, where the end decides",
      [
        ["A", "plan"],
        ["B", "planted"],
      ],
      ["plan", "te"],
      "[A]te",
    ],
    [
      "the first that begins",
      [
        ["A", "abcd"],
        ["B", "bcdef"],
      ],
      ["abcdef"],
      "[A]ef",
    ],
    ["after a beginning that led nowhere", [["A", "aaab"]], ["aa", "aa", "ab"], "aa[A]"],
    [
      "two that are the same, by the first name",
      [
        ["A", "same"],
        ["B", "same"],
      ],
      ["same"],
      "[A]",
    ],
    ["without the line end at its end", [["A", "planted\n"]], ["planted\nplanted "], "[A][A] "],
    ["in base64", [["A", "planted!"]], ["cGxhbnRlZCE= cGxhbnRlZCE"], "[A] [A]"],
    ["in base64url", [["A", "??>>??>>"]], ["Pz8-Pj8_Pj4"], "[A]"],
    ["percent-encoded, with + for a space too", [["A", "a b/c@d"]], ["a%20b%2Fc%40d&a+b%2Fc%40d"], "[A]&[A]"],
    ["as in JSON", [["A", 'a"b\nc']], ['{"x":"a\\"b\\nc"}'], '{"x":"[A]"}'],
    [
      "of four bytes",
      [
        ["A", "1234"],
        ["B", "123"],
        ["C", ""],
      ],
      ["1234 123"],
      "[A] 123",
    ],
    ["of a name that reads like its value", [["planted", "planted"]], ["planted"], "[redacted]"],
    [
      "of names and values that read like marks",
      [
        ["redacted", "redacted"],
        ["X", "[red"],
      ],
      ["redacted [red"],
      "[*] [X]",
    ],
  ])("%s", (_what, values, chunks, output) => {
    expect(redact(values, ...chunks)).toBe(output);
  });
});

test("bytes that are no text pass as they are", () => {
  const bytes = Buffer.from([0xff, 0xc3, 0, 0x80, 0x70, 0x6c]);
  const index = new ValueIndex(maskedValues([secret("KEY", "planted")]));
  expect(redacted(index, [bytes.subarray(0, 3), bytes.subarray(3)])).toEqual(bytes);
});

test("nothing is held back but what may be the beginning of a value", () => {
  const redactor = new Redactor(new ValueIndex(maskedValues([secret("KEY", "planted")])));
  const push = (text: string) => redactor.push(Buffer.from(text)).toString();
  expect([push("Password: "), push("p"), push("l"), push("x"), push("plante"), push("d")]).toEqual([
    "Password: ",
    "",
    "",
    "plx",
    "",
    "[KEY]",
  ]);
  expect(redactor.end().toString()).toBe("");
});

test("values that are too short are named", () => {
  expect(
    unmaskedNames(
      itemsOf([
        ["A", "123"],
        ["B", "1234"],
        ["C", ""],
        ["D", "é1"],
      ]),
    ),
  ).toEqual(["A", "D"]);
});

describe("properties", () => {
  // Few letters: values overlap, begin alike, and stand in the text often. None of them is in a mark.
  const text = (maxLength: number) => fc.string({ unit: fc.constantFrom(..."ab\né%"), maxLength });
  const values = fc.array(text(9), { maxLength: 6 }).map((all): Named => all.map((value, at) => [`K${at}`, value]));
  const cuts = fc.array(fc.nat(200), { maxLength: 12 });

  test("whatever the chunks, the output is that of replacing in the whole text, and holds no value", () => {
    fc.assert(
      fc.property(values, text(120), cuts, (named, input, places) => {
        const masked = maskedValues(itemsOf(named));
        const bytes = Buffer.from(input);
        const output = redacted(new ValueIndex(masked), cutAt(bytes, places));
        expect(output.toString("latin1")).toBe(replaced(bytes.toString("latin1"), masked));
        for (const [, value] of named) {
          if (Buffer.byteLength(value) >= 4) expect(output.includes(value)).toBe(false);
        }
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test("random values in random noise", () => {
    const value = fc.string({ unit: "grapheme", minLength: 4, maxLength: 30 }).map((it) => it.toWellFormed());
    const pieces = fc.array(fc.oneof(fc.nat(3), fc.string({ unit: "grapheme", maxLength: 8 })), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 4, maxLength: 4 }), pieces, cuts, (all, parts, places) => {
        const masked = maskedValues(itemsOf(all.map((it, at) => [`K${at}`, it])));
        const bytes = Buffer.from(
          parts
            .map((part) => (typeof part === "number" ? all[part] : part))
            .join("")
            .toWellFormed(),
        );
        const index = new ValueIndex(masked);
        expect(redacted(index, cutAt(bytes, places))).toEqual(redacted(index, [bytes]));
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  /** With a regular expression over the whole: of its alternatives the first that stands there counts. */
  function replaced(input: string, masked: ReturnType<typeof maskedValues>): string {
    if (masked.length === 0) return input;
    const latin = masked.map(({ name, bytes }) => ({ name, value: Buffer.from(bytes).toString("latin1") }));
    const longestFirst = latin.toSorted((a, b) => b.value.length - a.value.length);
    const pattern = longestFirst.map(({ value }) => value.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    return input.replaceAll(
      new RegExp(pattern, "g"),
      (found) => `[${latin.find(({ value }) => value === found)?.name}]`,
    );
  }
});

test("10 000 values that begin alike, and a long text without them", () => {
  const named = Array.from(
    { length: 10_000 },
    (_, at) => [`K${at}`, `sk_live_${at.toString(36).padStart(20, "x")}`] as const,
  );
  const index = new ValueIndex(maskedValues(itemsOf(named)));
  const line = Buffer.from("2026-01-01T00:00:00Z INFO GET /health 200 sk_live_none 3ms\n");
  const text = Buffer.concat(Array.from({ length: 2000 }, () => line));
  expect(redacted(index, [text, Buffer.from(named[4711]?.[1] ?? "")])).toEqual(
    Buffer.concat([text, Buffer.from("[K4711]")]),
  );
});
