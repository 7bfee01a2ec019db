import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonFault } from "../../../src/cli/config/json-tree.ts";
import { sampled } from "../../support/samples.ts";

describe("jsonFault", () => {
  test.each([
    ["", 1, 1],
    ["{", 1, 2],
    ['{"a":1,}', 1, 8],
    ['{"a":1\n "b":2}', 2, 2],
    ['{"a" 1}', 1, 6],
    ['{"a":x}', 1, 6],
    ['{\n  "a": "b\n"}', 2, 8],
    ["[1,2", 1, 5],
    ["[01]", 1, 2],
    ["[1] 2", 1, 5],
    ['["\\x"]', 1, 2],
    ["{'a':1}", 1, 2],
    ['["a\tb"]', 1, 2],
    ['["\ud83d"]x', 1, 6],
    ['["\\u12g4"]', 1, 2],
    ["[truely]", 1, 2],
    ["\ufeff{}", 1, 1],
  ])("%j is faulty at line %i, column %i", (text, line, column) => {
    expect(jsonFault(text)).toEqual({ line, column, isTooDeep: false });
  });

  test("finds no fault in JSON, in any layout", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, "\t", "\r\n "), (value, space) => {
        expect(jsonFault(JSON.stringify(value, null, space))).toBeNull();
      }),
      sampled(100),
    );
  });

  test("agrees with JSON.parse about mangled JSON", () => {
    const mangled = fc
      .tuple(
        fc.jsonValue({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom("", ",", "}", "]", '"', "\\", "1", "x", "\n", ":", "-", "e", "."),
      )
      .map(([value, at, inserted]) => {
        const text = JSON.stringify(value);
        const cut = at % (text.length + 1);
        return text.slice(0, cut) + inserted + text.slice(cut + (at % 2));
      });
    fc.assert(
      fc.property(mangled, (text) => (jsonFault(text) === null) === isJson(text)),
      sampled(2000),
    );
  });

  test("a string of 6 MiB counts as one level, like a short one", () => {
    const large = "x\\n".repeat(2 ** 21);
    expect(jsonFault(`{"BIG": "${large}", "${large}": 1}`)).toBeNull();
    expect(jsonFault(`["${large}\\x"]`)).toMatchObject({ column: 2 });
  });

  test("a tower of brackets is refused without recursion", () => {
    expect(jsonFault("[".repeat(100_000))).toEqual({ line: 1, column: 102, isTooDeep: true });
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
