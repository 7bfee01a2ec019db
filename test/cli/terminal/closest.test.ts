import { expect, test } from "vitest";
import { closest } from "../../../src/cli/terminal/closest.ts";

const COMMANDS = ["init", "push", "pull", "status", "runtime-token", "rotate-passphrase"];

test.each([
  ["psuh", "push"],
  ["pushh", "push"],
  ["pul", "pull"],
  ["stauts", "status"],
  ["sttus", "status"],
  ["runtimetoken", "runtime-token"],
  ["rotate-pasphrase", "rotate-passphrase"],
  ["x", null],
  ["destroy", null],
  ["", null],
  ["push".repeat(30_000), null],
])("%s → %s", (typed, expected) => {
  expect(closest(typed, COMMANDS)).toBe(expected);
  expect(closest(typed, [])).toBeNull();
});
