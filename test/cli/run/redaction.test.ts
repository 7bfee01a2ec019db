import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskedValues, Redactor, unmaskedNames, ValueIndex } from "../../../src/cli/run/redaction.ts";
import { SEED, secret } from "../exported-items.ts";

type Values = Readonly<Record<string, string>>;

const itemsOf = (values: Values) => Object.entries(values).map(([name, value]) => secret(name, value));
const indexOf = (values: Values) => new ValueIndex(maskedValues(itemsOf(values)));

/** The output for an input that arrives in these chunks. */
function redacted(index: ValueIndex, chunks: readonly Uint8Array[]): Buffer {
  const redactor = new Redactor(index);
  return Buffer.concat([...chunks.map((chunk) => redactor.push(chunk)), redactor.end()]);
}

describe("a value is masked", () => {
  test.each<[string, Values, string[], string]>([
    ["in one chunk", { KEY: "planted" }, ["a planted b planted"], "a [KEY] b [KEY]"],
    ["across chunks", { KEY: "planted" }, ["a pl", "ant", "", "ed b"], "a [KEY] b"],
    ["byte by byte", { KEY: "plântéd🔑" }, Array.from("x plântéd🔑 y"), "x [KEY] y"],
    ["at the end", { KEY: "planted" }, ["a plan", "ted"], "a [KEY]"],
    ["the longest one", { A: "plan", B: "planted" }, ["plan planted plante"], "[A] [B] [A]te"],
    ["the longest one, when the end decides", { A: "plan", B: "planted" }, ["plan", "te"], "[A]te"],
    ["the one that starts first", { A: "abcd", B: "bcdef" }, ["abcdef"], "[A]ef"],
    ["after a beginning that led nowhere", { A: "aaab" }, ["aa", "aa", "ab"], "aa[A]"],
    ["under the first of two names", { A: "same", B: "same" }, ["same"], "[A]"],
    ["without its last line break", { A: "planted\n" }, ["planted\nplanted "], "[A][A] "],
    ["in base64", { A: "planted!" }, ["cGxhbnRlZCE= cGxhbnRlZCE"], "[A] [A]"],
    ["in base64url", { A: "??>>??>>" }, ["Pz8-Pj8_Pj4"], "[A]"],
    ["percent-encoded, also with + for a space", { A: "a b/c@d" }, ["a%20b%2Fc%40d&a+b%2Fc%40d"], "[A]&[A]"],
    ["as in JSON", { A: 'a"b\nc' }, ['{"x":"a\\"b\\nc"}'], '{"x":"[A]"}'],
    ["from four bytes on", { A: "1234", B: "123", C: "" }, ["1234 123"], "[A] 123"],
    ["even if its name contains it", { planted: "planted" }, ["planted"], "[redacted]"],
    ["even if it looks like a mark", { redacted: "redacted", X: "[red" }, ["redacted [red"], "[*] [X]"],
  ])("%s", (_what, values, chunks, output) => {
    const bytes = chunks.map((it) => Buffer.from(it));
    expect(redacted(indexOf(values), bytes).toString()).toBe(output);
  });
});

test("bytes that are not text pass unchanged", () => {
  const bytes = Buffer.from([0xff, 0xc3, 0, 0x80, 0x70, 0x6c]);
  expect(redacted(indexOf({ KEY: "planted" }), [bytes.subarray(0, 3), bytes.subarray(3)])).toEqual(bytes);
});

test("holds back only what may begin a value", () => {
  const redactor = new Redactor(indexOf({ KEY: "planted" }));
  const pushed = ["Password: ", "p", "l", "x", "plante", "d"].map((it) => redactor.push(Buffer.from(it)).toString());
  expect(pushed).toEqual(["Password: ", "", "", "plx", "", "[KEY]"]);
  expect(redactor.end().toString()).toBe("");
});

test("names the values too short to mask", () => {
  expect(unmaskedNames(itemsOf({ A: "123", B: "1234", C: "", D: "é1" }))).toEqual(["A", "D"]);
});

describe("properties", () => {
  // Few letters, so values overlap, begin alike, and appear in the text often. No mark contains these letters.
  const text = (maxLength: number) => fc.string({ unit: fc.constantFrom(..."ab\né%"), maxLength });
  const named = (all: readonly string[]): Values => Object.fromEntries(all.map((value, at) => [`K${at}`, value]));
  const cuts = fc.array(fc.nat(200), { maxLength: 12 });

  test("however the input is cut, the output is that of replacing in the whole text, and holds no value", () => {
    fc.assert(
      fc.property(fc.array(text(9), { maxLength: 6 }), text(120), cuts, (all, input, places) => {
        const masked = maskedValues(itemsOf(named(all)));
        const bytes = Buffer.from(input);
        const output = redacted(new ValueIndex(masked), cutAt(bytes, places));
        expect(output.toString("latin1")).toBe(replaced(bytes.toString("latin1"), masked));
        for (const value of all) if (Buffer.byteLength(value) >= 4) expect(output.includes(value)).toBe(false);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test("random values in random noise come out the same, however cut", () => {
    const value = fc.string({ unit: "grapheme", minLength: 4, maxLength: 30 }).map((it) => it.toWellFormed());
    const pieces = fc.array(fc.oneof(fc.nat(3), fc.string({ unit: "grapheme", maxLength: 8 })), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 4, maxLength: 4 }), pieces, cuts, (all, parts, places) => {
        const noise = parts.map((part) => (typeof part === "number" ? all[part] : part)).join("");
        const [bytes, index] = [Buffer.from(noise.toWellFormed()), indexOf(named(all))];
        expect(redacted(index, cutAt(bytes, places))).toEqual(redacted(index, [bytes]));
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
    const ends = [...places.map((it) => it % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
    return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
  }

  /** The model: a regular expression over the whole, which takes the first alternative that matches. */
  function replaced(input: string, masked: ReturnType<typeof maskedValues>): string {
    if (masked.length === 0) return input;
    const latin = masked.map(({ name, bytes }) => ({ name, value: Buffer.from(bytes).toString("latin1") }));
    const longestFirst = latin.toSorted((a, b) => b.value.length - a.value.length);
    const pattern = longestFirst.map(({ value }) => value.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    const nameOf = (found: string) => latin.find(({ value }) => value === found)?.name;
    return input.replaceAll(new RegExp(pattern, "g"), (found) => `[${nameOf(found)}]`);
  }
});

test("10 000 values that begin alike, and a long text without them", () => {
  const keys = Array.from({ length: 10_000 }, (_, at) => [`K${at}`, `sk_live_${at.toString(36).padStart(20, "x")}`]);
  const line = Buffer.from("2026-01-01T00:00:00Z INFO GET /health 200 sk_live_none 3ms\n");
  const text = Buffer.concat(Array.from({ length: 2000 }, () => line));
  const output = redacted(indexOf(Object.fromEntries(keys)), [text, Buffer.from(keys[4711]?.[1] ?? "")]);
  expect(output).toEqual(Buffer.concat([text, Buffer.from("[K4711]")]));
});
