import { describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { type ItemKind, itemFault, itemNameFault } from "../../src/vault/format/item.ts";
import {
  auditKey,
  bundleKey,
  firstTsMs,
  formatTs,
  generationOfAuditKey,
  parseTs,
} from "../../src/vault/format/object-keys.ts";

describe("a name is refused by the first rule that it breaks", () => {
  const LENGTH = "must have 1…1024 bytes";
  const CONTROL = "must not have control characters";
  const EMPTY = "must be relative and without empty segments";
  const DOTS = "must not have a segment . or ..";

  test.each<[ItemKind, string, string | null]>([
    ["secret", "", LENGTH],
    ["secret", "x", null],
    ["secret", "x".repeat(1024), null],
    ["secret", "x".repeat(1025), LENGTH],
    ["secret", "é".repeat(512), null],
    ["secret", `${"é".repeat(512)}x`, LENGTH],
    ["secret", "a\ud800", "must be well-formed text"],
    ["secret", "a\u0000", CONTROL],
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
    ["file", "a/.", DOTS],
    ["file", "../a", DOTS],
    ["file", "a/../b", DOTS],
    ["file", "a\n", CONTROL],
  ])("%s %j", (kind, name, fault) => {
    expect(itemNameFault(name, kind)).toBe(fault);
  });
});

describe("an item is refused for its name, its text or its mode", () => {
  const data = Secret.ofText("é");
  const binary = Secret.ofBytes(Uint8Array.of(0xff));
  const mode = "must have a mode of 0…0o777";
  test.each<[string, Parameters<typeof itemFault>[0], string | null]>([
    ["a secret", { name: "A", kind: "secret", data }, null],
    [
      "a secret of other bytes",
      { name: "A", kind: "secret", data: binary },
      "must be UTF-8 text: other bytes go into a file",
    ],
    ["a file of other bytes", { name: "f", kind: "file", data: binary }, null],
    ["a name that is none", { name: "", kind: "file", data }, "has a name that must have 1…1024 bytes"],
    ["mode 0", { name: "f", kind: "file", mode: 0, data }, null],
    ["mode 0o777", { name: "f", kind: "file", mode: 0o777, data }, null],
    ["mode 0o1000", { name: "f", kind: "file", mode: 0o1000, data }, mode],
    ["mode -1", { name: "f", kind: "file", mode: -1, data }, mode],
    ["mode 0.5", { name: "f", kind: "file", mode: 0.5, data }, mode],
    ["a mode that is no number", { name: "f", kind: "file", mode: Number.NaN, data }, mode],
  ])("%s", (_name, item, fault) => {
    expect(itemFault(item)).toBe(fault);
  });
});

describe("keys and times", () => {
  test("a row's key tells its generation, and no other name does", () => {
    expect(auditKey(7)).toBe("audit/000000000007");
    expect(generationOfAuditKey(auditKey(123456789012))).toBe(123456789012);
    for (const key of [
      "audit/7",
      "audit/0000000000071",
      "xaudit/000000000007",
      "audit/00000000000a",
      "audit/000000000007\n",
    ]) {
      expect(generationOfAuditKey(key)).toBeNull();
    }
  });

  test("a bundle's key tells its millisecond, and sorts as it was written", () => {
    const ms = Date.parse("2026-02-28T23:59:59.999Z");
    expect(bundleKey(formatTs(ms))).toBe("v=20260228T235959999Z");
    expect(parseTs("20260228T235959999Z")).toBe(ms);
    expect(parseTs("20240229T000000000Z")).toBe(Date.parse("2024-02-29"));
  });

  test.each([
    "",
    "20260229T000000000Z",
    "20261301T000000000Z",
    "20260101T240000000Z",
    "20260101T006000000Z",
    "20260101T000000000",
    "20260101T000000000Z ",
    " 20260101T000000000Z",
    "2026-01-01T00:00:00.000Z",
    "+010000101T000000000Z",
  ])("%j is no time", (ts) => {
    expect(parseTs(ts)).toBeNull();
  });

  test("the next bundle is written now, or a millisecond after the one before", () => {
    expect(firstTsMs(5, null)).toBe(5);
    expect(firstTsMs(5, formatTs(4))).toBe(5);
    expect(firstTsMs(5, formatTs(5))).toBe(6);
    expect(firstTsMs(5, formatTs(9))).toBe(10);
    expect(firstTsMs(5, "no time")).toBe(5);
  });
});
