import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalFault,
  checkExtent,
  decodeUtf8,
  isObject,
  type JsonValue,
  parseCanonicalJson,
} from "../src/canonical-json.ts";
import { InputError, type VsyncError } from "../src/errors.ts";
import { mutatedText, sampled } from "./support/samples.ts";

class Refusal extends InputError {}
const refuse = (fault: string): VsyncError => new Refusal(fault, { hint: "none" });

/** The rules of `docs/format.md`, "Text forms", in order. */
function isCanonical(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  return JSON.stringify(value) === text && isAllowed(value, 0);
}

function isAllowed(value: unknown, outer: number): boolean {
  if (typeof value === "number") return Number.isInteger(value) && value >= 0 && value <= 2 ** 53 - 1;
  if (typeof value === "string") return !/\p{Surrogate}/u.test(value);
  if (typeof value !== "object" || value === null) return true;
  if (outer === 32) return false;
  if (Array.isArray(value)) return value.every((inner) => isAllowed(inner, outer + 1));
  const entries = Object.entries(value);
  return entries.every(([key, inner]) => !/^[0-9]+$/.test(key) && isAllowed(key, 0) && isAllowed(inner, outer + 1));
}

/**
 * @throws any error that is not a refusal
 */
function isTaken(text: string): boolean {
  let value: JsonValue;
  try {
    value = parseCanonicalJson(text, refuse);
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    return false;
  }
  expect(JSON.stringify(value)).toBe(text);
  return true;
}

const keys = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "7", "007", "7a", "\ud800"));
const numbers = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.double(),
  fc.constantFrom(2 ** 53, 2 ** 53 - 1, -1, 0.5, 1e21, -0),
);
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: "binary" }),
    numbers,
    fc.boolean(),
    fc.constantFrom(null, "\ud800", "\udfff\ud83d"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(keys, tie("value"), { maxKeys: 3 }),
  ),
})).value;
const plain = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.oneof(fc.string(), fc.nat(), fc.array(fc.nat())));

describe("the parser accepts random texts that the rules allow and refuses the rest", () => {
  test.each<[string, fc.Arbitrary<string>]>([
    ["any text", fc.string({ unit: "binary" })],
    ["JSON's own characters", fc.string({ unit: fc.constantFrom(...'{}[]":,.-+eE0123u\\ntf \n') })],
    ["any value, as JSON.stringify writes it", values.map((value) => JSON.stringify(value))],
    ["an allowed value with edits", mutatedText(plain.map((value) => JSON.stringify(value)))],
    ["any value with edits", mutatedText(values.map((value) => JSON.stringify(value)))],
    ["any value with white space", values.map((value) => JSON.stringify(value, null, 1))],
  ])("%s", (_name, texts) => {
    fc.assert(
      fc.property(texts, (text) => isTaken(text) === isCanonical(text)),
      sampled(3000),
    );
  });

  test("canonicalFault predicts the parser", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(canonicalFault(value as JsonValue) === null).toBe(isCanonical(JSON.stringify(value)));
      }),
      sampled(2000),
    );
  });
});

describe("nesting", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  const alternating = (levels: number): string => `${'[{"a":'.repeat(levels / 2)}0${"}]".repeat(levels / 2)}`;

  test.each([
    nested(32),
    alternating(32),
    `[${nested(31)},${nested(31)}]`,
    `[${"{},".repeat(40)}{}]`,
    `[${JSON.stringify("[".repeat(40))},${JSON.stringify(`\\"${"{".repeat(40)}`)}]`,
    JSON.stringify({ [`"${"[".repeat(40)}\\`]: "\\" }),
  ])("%.40s is at most 32 levels deep", (text) => {
    expect(isTaken(text)).toBe(true);
  });

  test.each([
    nested(33),
    alternating(34),
    `"${"\\\\"}"${nested(33)}`,
    "[".repeat(1024 * 1024),
    '{"":'.repeat(256 * 1024),
  ])("%.40s is deeper, and refused before JSON.parse recurses", (text) => {
    expect(() => parseCanonicalJson(text, refuse)).toThrow(refuse("nests more than 32 levels"));
  });

  test("a megabyte that never closes is refused, not looped over", () => {
    for (const text of [
      `"${"\\".repeat(1024 * 1024)}`,
      "9".repeat(1024 * 1024),
      `${"]".repeat(40)}${"[".repeat(1024)}`,
    ]) {
      expect(isTaken(text)).toBe(false);
    }
  });
});

test("canonicalFault names the first fault, and passes other errors on", () => {
  expect(canonicalFault({ a: [1, "b", null, true, {}] })).toBeNull();
  expect(canonicalFault({ a: [-1] })).toBe("has a number that is not an integer from 0 to 2^53−1");
  expect(canonicalFault({ a: "\ud800" })).toBe("has a lone surrogate");
  const failed = new TypeError("a bug");
  const failing = {
    toJSON() {
      throw failed;
    },
  };
  expect(() => canonicalFault(failing as never)).toThrow(failed);
});

test("decodeUtf8 refuses malformed bytes and keeps a byte order mark", () => {
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), refuse)).toBe("\ufeff1");
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    expect(() => decodeUtf8(Uint8Array.from(bytes), refuse)).toThrow(refuse("is not UTF-8"));
  }
});

describe("checkExtent, before a bundle's JSON is parsed", () => {
  const FOUR_MI = 4 * 1024 * 1024;
  const members = (count: number): string => Array.from({ length: count }, (_, at) => `"k${at}":1`).join(",");
  const check = (text: string) => checkExtent(text, refuse);

  test("allows 4 Mi values", () => {
    const ones = (count: number): string => `${"1,".repeat(count - 1)}1`;
    check(`[${ones(FOUR_MI - 1)}]`);
    expect(() => check(`[${ones(FOUR_MI)}]`)).toThrow(refuse("has more than 4194304 JSON values"));
    expect(() => check(`[${"[],".repeat(FOUR_MI / 2)}[]]`)).toThrow(refuse("has more than 4194304 JSON values"));
  });

  test("allows 1024 members in one object, counted apart from the objects inside it", () => {
    check(`{${members(1024)}}`);
    check(`{"a":{${members(1023)}},"b":{${members(1024)}}}`);
    const fault = refuse("has an object of more than 1024 members");
    expect(() => check(`{${members(1025)}}`)).toThrow(fault);
    expect(() => check(`[{"a":{"b":1,"c":[{}]},${members(1024)}}]`)).toThrow(fault);
  });

  test("ignores strings, and leaves malformed JSON to the parser unless it is too deep for it", () => {
    check(`["${":".repeat(2000)}","\\"${":".repeat(2000)}","\\\\",{"${",[{".repeat(2000)}":"\\\\\\"::"}]`);
    check(`"${",".repeat(FOUR_MI + 1)}"`);
    for (const text of ["", '"', '"\\', "]}", ":::"]) check(text);
    expect(() => check("[".repeat(33))).toThrow(refuse("nests more than 32 levels"));
  });
});

test.each([
  [{}, true],
  [{ a: 1 }, true],
  [null, false],
  [[], false],
  ["text", false],
  [1, false],
  [undefined, false],
])("%j is an object: %s", (value, is) => {
  expect(isObject(value)).toBe(is);
});
