import { expect, test } from "vitest";
import { relativeTime, timeAgo } from "../../../src/vault/format/relative-time.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");

test.each([
  ["2026-11-22T12:00:00.000Z", "0 s ago"],
  ["2026-11-22T11:59:01Z", "59 s ago"],
  ["2026-11-22T11:59:00Z", "1 min ago"],
  ["2026-11-22T11:00:01Z", "59 min ago"],
  ["2026-11-20T12:00:01Z", "47 h ago"],
  ["2026-11-20T12:00:00Z", "2 days ago"],
  ["2026-01-01T00:00:00Z", "10 months ago"],
  ["2020-01-01T00:00:00Z", "6 years ago"],
  ["2026-11-22T12:03:00Z", "in 3 min"],
  ["no time at all", ""],
])("%s is %s", (instant, text) => {
  expect(relativeTime(instant, NOW)).toBe(text);
});

test.each([
  ["2026-11-22T11:57:00Z", "3 min ago"],
  ["2026-11-22T12:00:59Z", "0 s ago"],
  ["2026-11-22T13:00:00Z", "1 h ahead of this clock"],
  ["no time at all", ""],
])("by the writer's clock, %s was %s", (instant, text) => {
  expect(timeAgo(instant, NOW)).toBe(text);
});
