import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeManifest } from "../../src/cli/manifest.ts";
import { TablePlugin } from "../../src/cli/table-plugin.ts";
import { COMMAND_LOADERS } from "../../src/commands.ts";

const pjson = JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "package.json"), "utf8"));

test("the manifest has every command of the table, in order, and says where each value comes from", async () => {
  const manifest = await makeManifest(pjson, COMMAND_LOADERS);
  expect(Object.keys(manifest.commands)).toEqual(Object.keys(COMMAND_LOADERS).toSorted());
  expect(manifest.version).toBe(pjson.version);
  const { flags, args } = manifest.commands["status"]!;
  expect(Object.keys(flags).toSorted()).toEqual(["env", "json", "log-level", "passphrase-file", "remote", "repo"]);
  expect(Object.keys(args)).toEqual(["env"]);
});

test("it holds what a help page needs, and nothing of this machine or this program's own", async () => {
  const text = JSON.stringify(await makeManifest(pjson, COMMAND_LOADERS));
  expect(text).not.toContain(join(import.meta.dirname, "..", ".."));
  expect(text).not.toMatch(/exitCodes|takesCommandLine/);
});

test("every command has a summary, and every argument and flag a description", async () => {
  const { commands } = await makeManifest(pjson, COMMAND_LOADERS);
  for (const command of Object.values(commands)) {
    expect(command.summary, command.id).toMatch(/^[A-Z].*[^.]$/);
    expect(command.examples, command.id).not.toHaveLength(0);
    for (const it of [...Object.values(command.flags), ...Object.values(command.args)]) {
      expect(it.description, `${command.id} ${it.name}`).toBeTruthy();
    }
  }
});

test("to oclif the table is a plugin whose commands are imported one by one", async () => {
  const manifest = await makeManifest(pjson, COMMAND_LOADERS);
  const plugin = new TablePlugin({ pjson, loaders: COMMAND_LOADERS }, manifest);
  await plugin.load();
  expect(plugin.commands.map(({ id }) => id)).toEqual(Object.keys(manifest.commands));
  const status = await plugin.commands.find(({ id }) => id === "status")!.load();
  expect(status).toBe(await COMMAND_LOADERS.status());
  expect(await plugin.findCommand("toString", { must: false })).toBeUndefined();
  await expect(plugin.findCommand("none", { must: true })).rejects.toThrow("no command none");
});
