import { expect, test } from "vitest";
import { oddityOf } from "../src/oddities.ts";

test.each([
  [" ", null],
  ["\n", "what you gave has several lines"],
  ["\\n", null],
  ["'", null],
  ["A", null],
  ["=", null],
  ["\u00a0", "what you gave has an invisible character or a non-breaking space"],
])("a long run of %j does not take for ever", (character, words) => {
  const run = character.repeat(300_000);
  expect(oddityOf(`x${run}x`)).toBe(words);
  expect(oddityOf(`x${run}PASSPHRASE${run}x`)).toBe(words);
});

test("white space at both ends is found", () => {
  expect(oddityOf("  secret \r\n")).toBe("what you gave ends in a line end and begins or ends with white space");
});
