import { describe, expect, test } from "vitest";
import { BundleCorruptError } from "../../src/errors.ts";
import { parseBundle, refuseBundle } from "../../src/vault/format/bundle-header.ts";
import { checkExtent } from "../../src/vault/format/canonical-json.ts";

const FOUR_MI = 4 * 1024 * 1024;
const members = (count: number): string =>
  Array.from({ length: count }, (_, at) => `"k${at.toString(36).padStart(3, "0")}":1`).join(",");
const check = (text: string) => checkExtent(text, refuseBundle);
const tooMany = (what: string) => new BundleCorruptError(`the bundle has ${what}`);

describe("the extent of a bundle's JSON, counted before it is parsed", () => {
  test("so many values, and not one more, wherever they stand", () => {
    const ones = (count: number): string => `${"1,".repeat(count - 1)}1`;
    check(`[${ones(FOUR_MI - 1)}]`);
    expect(() => check(`[${ones(FOUR_MI)}]`)).toThrow(tooMany("more than 4194304 JSON values"));
    expect(() => check(`[${"[],".repeat(FOUR_MI / 2)}[]]`)).toThrow(tooMany("more than 4194304 JSON values"));
  });

  test("so many members in one object, and not one more, also behind objects within it", () => {
    check(`{${members(1024)}}`);
    check(`{"a":{${members(1023)}},"b":{${members(1024)}}}`);
    const fault = tooMany("an object of more than 1024 members");
    expect(() => check(`{${members(1025)}}`)).toThrow(fault);
    expect(() => check(`[{"a":{"b":1,"c":[{}]},${members(1024)}}]`)).toThrow(fault);
  });

  test("what stands in a string does not count", () => {
    check(`["${":".repeat(2000)}","\\"${":".repeat(2000)}","\\\\",{"${",[{".repeat(2000)}":"\\\\\\"::"}]`);
    check(`"${",".repeat(FOUR_MI + 1)}"`);
    // No JSON: for the parser to refuse.
    for (const text of ["", '"', '"\\', "]}", ":::", "[".repeat(5000)]) check(text);
  });
});

describe("a header that only its operator can have crafted", () => {
  const header = (slots: string): Uint8Array =>
    Buffer.from(
      `{"format":"vsync-bundle-v1","vault":"v","gen":1,"slots":[${slots}],"signing":"","index":"","items":[]}\n`,
    );
  const slots = (count: number): string => Array.from({ length: count }, (_, at) => `{"id":"s${at}"}`).join(",");

  test("has 64 slots at most", () => {
    expect(parseBundle(header(slots(64)), "v", 1).header.slots).toHaveLength(64);
    expect(() => parseBundle(header(slots(65)), "v", 1)).toThrow(tooMany("more than 64 slots"));
  });

  test("cannot hide an endless structure in the slot of an unknown holder", () => {
    const open = (content: string): Uint8Array => header(`{"id":"x","y":${content}}`);
    expect(parseBundle(open(`{${members(1024)}}`), "v", 1).header.slots).toHaveLength(1);
    expect(() => parseBundle(open(`[${"[],".repeat(FOUR_MI)}[]]`), "v", 1)).toThrow(/JSON values$/);
    expect(() => parseBundle(open(`{${members(1025)}}`), "v", 1)).toThrow(/1024 members$/);
  });
});
