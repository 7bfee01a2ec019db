import { expect, test } from "vitest";
import { LOADERS, MANIFEST, PJSON, ROOT } from "../../support/commands.ts";

test("holds every command, its flags and its arguments", () => {
  expect(Object.keys(MANIFEST.commands)).toEqual(Object.keys(LOADERS).toSorted());
  expect(MANIFEST.version).toBe(PJSON.version);
  const { flags, args } = MANIFEST.commands["status"]!;
  expect(Object.keys(flags).toSorted()).toEqual([
    "env",
    "json",
    "log-level",
    "no-input",
    "passphrase-file",
    "remote",
    "repo",
  ]);
  expect(Object.keys(args)).toEqual(["env"]);
});

test("has the text of the help, and nothing about this machine", () => {
  const text = JSON.stringify(MANIFEST);
  expect(text).not.toContain(ROOT);
  expect(text).not.toMatch(/failures|takesCommandLine/);
  expect(MANIFEST.commands["push"]).not.toHaveProperty("exitCodes");
  expect(MANIFEST.commands["rotate-passphrase"]).toHaveProperty("exitCodes.4");
});

test("every command has a summary and examples, and every argument and flag a description", () => {
  for (const command of Object.values(MANIFEST.commands)) {
    expect(command.summary, command.id).toMatch(/^[A-Z].*[^.]$/);
    expect(command.examples, command.id).not.toHaveLength(0);
    for (const it of [...Object.values(command.flags), ...Object.values(command.args)]) {
      expect(it.description, `${command.id} ${it.name}`).toBeTruthy();
    }
  }
});
