import { expect, test } from "vitest";
import { parseDay } from "../../../src/vault/usage/content.ts";

test("a compacted day may hold only batches whose names are possible", () => {
  const batch = { key: "usage/notes.txt", instance: "0123456789abcdef", seq: 1, digest: "0".repeat(64), lines: [] };
  const parse = () => parseDay({ day: "2026-01-01", batches: [batch] }, (fault) => new Error(fault));
  expect(parse).toThrow("names an impossible batch");
});
