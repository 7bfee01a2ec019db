import { expect, test } from "vitest";
import {
  auditKey,
  bundleKey,
  firstTsMs,
  formatTs,
  generationOfAuditKey,
  parseTs,
} from "../../../src/vault/format/object-keys.ts";

test("an audit row's key names its generation, and no other key does", () => {
  expect(auditKey(7)).toBe("audit/000000000007");
  expect(generationOfAuditKey(auditKey(123456789012))).toBe(123456789012);
  for (const digits of ["7", "0000000000071", "00000000000a", "000000000007\n", "000000000007.bak"]) {
    expect(generationOfAuditKey(`audit/${digits}`)).toBeNull();
  }
  expect(generationOfAuditKey("xaudit/000000000007")).toBeNull();
});

test("a bundle's key names its millisecond", () => {
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
])("%j is not a time", (ts) => {
  expect(parseTs(ts)).toBeNull();
});

test("the next bundle is named now, or one millisecond after the last one", () => {
  expect(firstTsMs(5, null)).toBe(5);
  expect(firstTsMs(5, formatTs(4))).toBe(5);
  expect(firstTsMs(5, formatTs(5))).toBe(6);
  expect(firstTsMs(5, formatTs(9))).toBe(10);
  expect(firstTsMs(5, "not a time")).toBe(5);
  const DAY_MS = 86_400_000;
  expect(firstTsMs(5, formatTs(5 + DAY_MS))).toBe(6 + DAY_MS);
  expect(firstTsMs(5, formatTs(6 + DAY_MS))).toBe(5);
});
