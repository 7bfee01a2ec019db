import fc from "fast-check";
import { expect, test } from "vitest";
import { Secret } from "../../../src/crypto/secret.ts";
import { type ItemKind, itemFault, itemNameFault } from "../../../src/vault/format/item.ts";
import { anyText, sampled } from "../../support/samples.ts";

const LENGTH = "must have 1…1024 bytes";
const CONTROL = "must not have control characters";
const EMPTY = "must be relative and without empty segments";
const DOTS = "must not have a segment . or ..";

test.each<[ItemKind, string, string | null]>([
  ["secret", "", LENGTH],
  ["secret", `${"é".repeat(512)}`, null],
  ["secret", `${"é".repeat(512)}x`, LENGTH],
  ["secret", "a\ud800", "must be well-formed text"],
  ["secret", "a\u001f", CONTROL],
  ["secret", "\u007f", CONTROL],
  ["secret", "\u009f", CONTROL],
  ["secret", "a b\u00a0c", null],
  ["secret", "../a\\b//c", null],
  ["file", "a/b.c/..d/e..", null],
  ["file", "a\\b", "must not have a backslash"],
  ["file", "/a", EMPTY],
  ["file", "a/", EMPTY],
  ["file", "a//b", EMPTY],
  ["file", ".", DOTS],
  ["file", "a/../b", DOTS],
  ["file", "a\n", CONTROL],
])("the name of a %s, %j, breaks this rule first: %s", (kind, name, fault) => {
  expect(itemNameFault(name, kind)).toBe(fault);
});

const names = fc.oneof(
  anyText(),
  fc.string({ unit: fc.constantFrom("a", ".", "/", "\\", "\u0000", "\u007f", "\u0085", "é", "\ud800") }),
  fc.integer({ min: 1020, max: 1030 }).map((length) => "x".repeat(length)),
);

test("a name is 1…1024 bytes of well-formed text without C0, DEL and C1; a file's name also stays inside its folder", () => {
  fc.assert(
    fc.property(names, (name) => {
      const bytes = new TextEncoder().encode(name).length;
      const good = bytes >= 1 && bytes <= 1024 && name.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f]/.test(name);
      const isInside = name.split("/").every((segment) => !["", ".", ".."].includes(segment)) && !name.includes("\\");
      expect(itemNameFault(name, "secret") === null).toBe(good);
      expect(itemNameFault(name, "file") === null).toBe(good && isInside);
    }),
    sampled(2000),
  );
});

const data = Secret.ofText("é");
const binary = Secret.ofBytes(Uint8Array.of(0xff));
const MODE = "must have a mode of 0…0o777";
test.each<[string, Parameters<typeof itemFault>[0], string | null]>([
  ["a secret", { name: "A", kind: "secret", data }, null],
  ["a binary secret", { name: "A", kind: "secret", data: binary }, "must be UTF-8 text: other bytes go into a file"],
  ["a binary file", { name: "f", kind: "file", data: binary }, null],
  ["a file without a name", { name: "", kind: "file", data }, `has a name that ${LENGTH}`],
  ["mode 0", { name: "f", kind: "file", mode: 0, data }, null],
  ["mode 0o777", { name: "f", kind: "file", mode: 0o777, data }, null],
  ["mode 0o1000", { name: "f", kind: "file", mode: 0o1000, data }, MODE],
  ["mode -1", { name: "f", kind: "file", mode: -1, data }, MODE],
  ["mode 0.5", { name: "f", kind: "file", mode: 0.5, data }, MODE],
])("%s", (_name, item, fault) => {
  expect(itemFault(item)).toBe(fault);
});
