import { expect, test } from "vitest";
import { findCommand } from "../../../src/cli/program/command-table.ts";

const IDS = ["audit", "audit:verify", "push", "show", "topic:leaf"];
const find = (line: string) => findCommand(line.split(" "), IDS);

test.each([
  ["push prod", "push", ["prod"]],
  ["audit verify prod", "audit:verify", ["prod"]],
  ["audit prod verify", "audit", ["prod", "verify"]],
  ["audit --env=verfy", "audit", ["--env=verfy"]],
  ["topic leaf --x", "topic:leaf", ["--x"]],
])("the longest run of words that names a command wins: %s", (line, id, rest) => {
  expect(find(line)).toEqual({ id, rest });
});

test.each([
  ["shwo a", "unknown command shwo", "did you mean vsync show?"],
  ["nothing-like-it", "unknown command nothing-like-it", "see vsync --help"],
  ["hunter2!", "unknown command", "see vsync --help"],
  ["constructor", "unknown command constructor", "see vsync --help"],
  ["aud", "unknown command aud", "see vsync --help"],
  ["audi", "unknown command audi", "did you mean vsync audit?"],
  ["envs", "unknown command envs", "did you mean vsync status?"],
  ["topic", "unknown command topic", "did you mean vsync topic leaf?"],
  ["topic laef", "unknown command topic", "did you mean vsync topic leaf?"],
  ["topci leaf", "unknown command topci", "did you mean vsync topic leaf?"],
  ["leaf", "unknown command leaf", "did you mean vsync topic leaf?"],
  ["--json show", "a command comes first", "see vsync --help"],
  [
    "audit verfy",
    "unknown command audit verfy",
    "did you mean vsync audit verify? For an env of that name, use --env=",
  ],
])("suggests what was meant, and repeats only words that could be commands: %s", (line, message, hint) => {
  expect(() => find(line)).toThrow(expect.objectContaining({ code: "INPUT", message, hint }));
});
