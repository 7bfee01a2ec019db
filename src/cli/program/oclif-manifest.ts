import type { Command } from "@oclif/core/command";
import { Plugin } from "@oclif/core/config";
import type { Manifest, PJSON } from "@oclif/core/interfaces";
import type { BaseCommand } from "../command/base-command.ts";
import { usageOf } from "../command/usage.ts";

/** What oclif caches of every command, made from the classes themselves: the content of `oclif.manifest.json`. */
export async function makeManifest(pjson: PJSON, loaders: CommandLoaders): Promise<Manifest> {
  const entries = await Promise.all(
    // oclif knows a command by a static `run`.
    Object.entries(loaders).map(async ([id, load]) => [id, Object.assign(await load(), { run() {} })] as const),
  );
  const discovery = { strategy: "explicit" as const, target: "commands", identifier: "COMMANDS" };
  const plugin = new Plugin({
    root: "/",
    pjson: { ...pjson, oclif: { ...pjson.oclif, commands: discovery } },
    type: "core",
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    // Defaults that a flag works out from the environment stay out.
    respectNoCacheDefault: true,
  });
  // Where oclif keeps what it has imported from `target`: it finds the table there and imports nothing.
  Object.assign(plugin, { commandCache: Object.fromEntries(entries) });
  await plugin.load();
  const commands = Object.entries(plugin.manifest.commands).map(([id, command]) => [id, declared(command)] as const);
  return {
    commands: Object.fromEntries(commands.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    version: plugin.manifest.version,
  };
}

/** Without the statics that are this program's own. oclif's usage would name every flag in a line of its own making. */
function declared({ exitCodes: _, run: __, takesCommandLine, ...command }: Command.Cached): Command.Cached {
  const { args, flags, usage } = command;
  const words = usageOf({ args, flags, takesCommandLine: takesCommandLine === true });
  return { ...command, usage: usage ?? `<%= command.id %> ${words}` };
}

/** A command that can be made: `BaseCommand` itself is abstract. */
export type CommandClass = Pick<typeof BaseCommand, keyof typeof BaseCommand> &
  (new (
    ...args: ConstructorParameters<typeof BaseCommand>
  ) => BaseCommand);

/** Every command's id (`audit:verify`) and how to import its class. */
export type CommandLoaders = Readonly<Record<string, () => Promise<CommandClass>>>;

export interface ProgramParts {
  /** Of this program's package.json. */
  readonly pjson: PJSON;
  /** The commit that the program was built from; null where git did not know. */
  readonly commit?: string | null;
  /** What `oclif.manifest.json` holds; without it, help imports every command. */
  readonly manifest?: Manifest;
  readonly loaders: CommandLoaders;
}
