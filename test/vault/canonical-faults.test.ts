import { describe, expect, test } from "vitest";
import { InputError, type VsyncError } from "../../src/errors.ts";
import { canonicalFault, decodeUtf8, parseCanonicalJson } from "../../src/vault/format/canonical-json.ts";

const refuse = (fault: string): VsyncError => new InputError(fault, { hint: "none" });
const NUMBER = "has a number that is no integer from 0 to 2^53−1";
const AGAIN = "is not its own re-serialisation";
const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
const alternating = (levels: number): string => `${'[{"a":'.repeat(levels / 2)}0${"}]".repeat(levels / 2)}`;

describe("canonical JSON is refused by the first rule that it breaks", () => {
  test.each<[string, string]>([
    ["", "is not JSON"],
    ["{", "is not JSON"],
    ["\ufeff{}", "is not JSON"],
    ["{} ", AGAIN],
    ['{"a":1,"a":2}', AGAIN],
    ['{"a":1.0}', AGAIN],
    ['"\\u0061"', AGAIN],
    ["-0", AGAIN],
    ["-1", NUMBER],
    ["0.5", NUMBER],
    ["9007199254740992", NUMBER],
    ['{"a":[{"b":-1}]}', NUMBER],
    ['{"7":1}', "has a key of digits only"],
    ['{"a":{"007":1}}', "has a key of digits only"],
    ['[{"a":[{"0":{}}]}]', "has a key of digits only"],
    ['"\\ud800"', "has a lone surrogate"],
    ['["\\udc00"]', "has a lone surrogate"],
    ['{"\\ud800":1}', "has a lone surrogate"],
    ['{"a":{"b":"\\udfff"}}', "has a lone surrogate"],
    [nested(33), "nests more than 32 levels"],
    [alternating(34), "nests more than 32 levels"],
    [`"${"\\\\"}"${nested(33)}`, "nests more than 32 levels"],
    ["[".repeat(100_000), "nests more than 32 levels"],
  ])("%.40s", (text, fault) => {
    expect(() => parseCanonicalJson(text, refuse)).toThrow(refuse(fault));
  });

  test.each([
    "0",
    "9007199254740991",
    "null",
    "true",
    '""',
    "[]",
    "{}",
    '{"7a":1,"a7":[],"":null}',
    '"\ud83d\ude00"',
    nested(32),
    alternating(32),
    `[${nested(31)},${nested(31)}]`,
    `[${"{},".repeat(40)}{}]`,
    `[${JSON.stringify("[".repeat(40))},${JSON.stringify(`\\"${"{".repeat(40)}`)}]`,
    JSON.stringify({ [`"${"[".repeat(40)}\\`]: "\\" }),
  ])("%.40s is taken", (text) => {
    expect(JSON.stringify(parseCanonicalJson(text, refuse))).toBe(text);
  });
});

test("what keeps a value from being written is said beforehand, and a fault of the program is none of that", () => {
  expect(canonicalFault({ a: [1, "b", null, true, {}] })).toBeNull();
  expect(canonicalFault({ a: [-1] })).toBe(NUMBER);
  expect(canonicalFault({ a: "\ud800" })).toBe("has a lone surrogate");
  const failed = new TypeError("a fault of the program");
  const failing = {
    toJSON() {
      throw failed;
    },
  };
  expect(() => canonicalFault(failing as never)).toThrow(failed);
});

test("bytes that are no UTF-8 are refused, and a byte order mark is no white space", () => {
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), refuse)).toBe("\ufeff1");
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    expect(() => decodeUtf8(Uint8Array.from(bytes), refuse)).toThrow(refuse("is not UTF-8"));
  }
});
