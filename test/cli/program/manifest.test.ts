import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadersOf } from "../../../src/cli/program/command-table.ts";
import { makeManifest } from "../../../src/cli/program/oclif-manifest.ts";
import { COMMANDS } from "../../../src/commands.ts";

const pjson = JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "..", "package.json"), "utf8"));

test("the manifest has every command of the table, in order, and says where each value comes from", async () => {
  const manifest = await makeManifest(pjson, COMMANDS);
  expect(Object.keys(manifest.commands)).toEqual(Object.keys(loadersOf(COMMANDS)).toSorted());
  expect(manifest.version).toBe(pjson.version);
  const { flags, args } = manifest.commands["status"]!;
  expect(Object.keys(flags).toSorted()).toEqual(["env", "json", "log-level", "passphrase-file", "remote", "repo"]);
  expect(Object.keys(args)).toEqual(["env"]);
});

test("it holds what a help page needs, and nothing of this machine or this program's own", async () => {
  const text = JSON.stringify(await makeManifest(pjson, COMMANDS));
  expect(text).not.toContain(join(import.meta.dirname, "..", "..", ".."));
  expect(text).not.toMatch(/failures|takesCommandLine/);
});

test("every command has a summary, and every argument and flag a description", async () => {
  const { commands } = await makeManifest(pjson, COMMANDS);
  for (const command of Object.values(commands)) {
    expect(command.summary, command.id).toMatch(/^[A-Z].*[^.]$/);
    expect(command.examples, command.id).not.toHaveLength(0);
    for (const it of [...Object.values(command.flags), ...Object.values(command.args)]) {
      expect(it.description, `${command.id} ${it.name}`).toBeTruthy();
    }
  }
});
