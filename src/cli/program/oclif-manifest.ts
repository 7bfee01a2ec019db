import type { Command } from "@oclif/core/command";
import { Plugin } from "@oclif/core/config";
import type { Manifest, PJSON } from "@oclif/core/interfaces";
import { DAY_TO_DAY_EXIT_CODES, type ExitCodes } from "../../exit-codes.ts";
import { usageOf } from "../command/parse-argv.ts";
import { type CommandTable, loadersOf } from "./command-table.ts";

/** The content of `oclif.manifest.json`: what oclif caches about every command, made from the classes themselves. */
export async function makeManifest(pjson: PJSON, table: CommandTable): Promise<Manifest> {
  const entries = await Promise.all(
    // oclif recognises a command by its static `run`.
    Object.entries(loadersOf(table)).map(
      async ([id, load]) => [id, Object.assign(await load(), { run() {} })] as const,
    ),
  );
  const discovery = { strategy: "explicit" as const, target: "commands", identifier: "COMMANDS" };
  const plugin = new Plugin({
    root: "/",
    pjson: { ...pjson, oclif: { ...pjson.oclif, commands: discovery } },
    type: "core",
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    // Leaves out defaults that come from the environment.
    respectNoCacheDefault: true,
  });
  // oclif looks here first for what it would import from `target`, so it imports nothing.
  Object.assign(plugin, { commandCache: Object.fromEntries(entries) });
  await plugin.load();
  const commands = Object.entries(plugin.manifest.commands).map(([id, command]) => [id, declared(command)] as const);
  return {
    commands: Object.fromEntries(commands.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    version: plugin.manifest.version,
  };
}

/** Replaces our own statics with what the help shows. oclif's usage line would list every flag. */
function declared({
  exitCodes,
  run: _,
  hasJsonResult: __,
  surplus: ___,
  bareValues: ____,
  takesCommandLine,
  ...command
}: Command.Cached): Command.Cached {
  const { args, flags, usage } = command;
  const words = usageOf({ args, flags, takesCommandLine: takesCommandLine === true });
  const own =
    exitCodes === undefined || exitCodes === DAY_TO_DAY_EXIT_CODES
      ? {}
      : { exitCodes: (exitCodes as ExitCodes).meanings };
  return { ...command, usage: usage ?? `<%= command.id %> ${words}`, ...own };
}
