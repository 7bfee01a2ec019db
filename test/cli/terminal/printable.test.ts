import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable, printableJson } from "../../../src/cli/terminal/printable.ts";
import { anyText, sampled } from "../../support/samples.ts";

const ACTS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/;

describe("printable", () => {
  test.each([
    ["plain ünïcödé 🎉", "plain ünïcödé 🎉"],
    ["\u001b[31mred", "\\x1b[31mred"],
    ["two\nlines\r\tand", "two\\nlines\\r\\tand"],
    ["\u009b2J\u007f\0", "\\x9b2J\\x7f\\x00"],
    ["abc\u202edcba\u2066", "abc\\u202edcba\\u2066"],
    ["zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"],
    ["no\uffffcharacter", "no\\uffffcharacter"],
    ["lone \ud83c half", "lone \\ud83c half"],
    ["line\u2028separator", "line\\u2028separator"],
  ])("%j", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("no output controls a terminal", () => {
    fc.assert(
      fc.property(anyText(), (text) => !ACTS.test(printable(text).replace(/[\ud800-\udbff][\udc00-\udfff]/g, ""))),
      sampled(100),
    );
  });
});

test("printableJson is the same value, on lines of its own only", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = printableJson(value);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(json.replaceAll("\n", "").replace(/[\ud800-\udbff][\udc00-\udfff]/g, "")).not.toMatch(ACTS);
    }),
    sampled(100),
  );
  expect(printableJson({ name: "\u009b\u202e" })).toBe('{\n  "name": "\\u009b\\u202e"\n}');
});
