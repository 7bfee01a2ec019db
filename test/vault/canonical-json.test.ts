import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VsyncError } from "../../src/errors.ts";
import { canonicalFault, type JsonValue, parseCanonicalJson } from "../../src/vault/format/canonical-json.ts";
import { mutatedText } from "./mutation.ts";
import { sampled } from "./property.ts";

class Refusal extends VsyncError {
  readonly name = "Refusal";
  readonly code = "NOT_AUTHENTIC";
}

/** The rules of `docs/format.md`, Text forms, one after the other. */
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

/** True where it was taken; a refusal is the only other way out. */
function isTaken(text: string): boolean {
  let value: JsonValue;
  try {
    value = parseCanonicalJson(text, (fault) => new Refusal(fault));
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

const sources: readonly [string, fc.Arbitrary<string>][] = [
  ["any text", fc.string({ unit: "binary" })],
  ["text of JSON's own characters", fc.string({ unit: fc.constantFrom(...'{}[]":,.-+eE0123u\\ntf \n') })],
  ["any value, written by JSON.stringify", values.map((value) => JSON.stringify(value))],
  ["a value that is allowed", plain.map((value) => JSON.stringify(value))],
  ["a value that is allowed, its text then altered", mutatedText(plain.map((value) => JSON.stringify(value)))],
  ["any value, its text then altered", mutatedText(values.map((value) => JSON.stringify(value)))],
  ["white space somewhere", fc.tuple(values, fc.nat({ max: 3 })).map(([value, by]) => JSON.stringify(value, null, by))],
];

describe("takes exactly what the rules allow, and refuses in one way only", () => {
  test.each(sources)("%s", (_name, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(isTaken(text)).toBe(isCanonical(text));
      }),
      sampled(3000),
    );
  });

  test("the samples are of both kinds", () => {
    for (const [name, texts] of sources.slice(2, 6)) {
      const found = new Set(fc.sample(texts, sampled(3000)).map(isCanonical));
      expect({ name, taken: found.has(true) }).toEqual({ name, taken: true });
    }
    const altered = fc.sample(sources[4]?.[1] ?? fc.constant(""), sampled(3000));
    expect(altered.filter((text) => !isCanonical(text)).length).toBeGreaterThan(1000);
  });

  test.each([31, 32, 33, 5000])("%i levels of arrays and objects in turn", (levels) => {
    const opening = Array.from({ length: levels }, (_, at) => (at % 2 === 0 ? '{"a":' : "[")).join("");
    const closing = Array.from({ length: levels }, (_, at) => (at % 2 === 0 ? "}" : "]")).toReversed();
    const text = `${opening}0${closing.join("")}`;
    expect(isTaken(text)).toBe(levels <= 32);
  });

  test.each([
    ["brackets alone", "[".repeat(1024 * 1024)],
    ["objects alone", '{"":'.repeat(256 * 1024)],
    ["closing brackets first", `${"]".repeat(40)}${"[".repeat(1024)}`],
    ["a text that never ends", `"${"\\".repeat(1024 * 1024)}`],
    ["one long number", "9".repeat(1024 * 1024)],
    ["a long number's exponent", `1e${"9".repeat(1024)}`],
  ])("a megabyte of %s", (_name, text) => {
    expect(isTaken(text)).toBe(false);
  });

  test("brackets in a text are no levels", () => {
    expect(isTaken(JSON.stringify({ a: '[{"'.repeat(100), b: "\\".repeat(33), c: "[" }))).toBe(true);
  });
});

test("canonicalFault says beforehand what a reader would refuse", () => {
  fc.assert(
    fc.property(values, (value) => {
      const text = JSON.stringify(value);
      expect(canonicalFault(value as JsonValue) === null).toBe(isCanonical(text));
    }),
    sampled(2000),
  );
});
