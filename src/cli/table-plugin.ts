import type { Command } from "@oclif/core/command";
import { Plugin } from "@oclif/core/config";
import type { Manifest, PJSON } from "@oclif/core/interfaces";
import type { BaseCommand } from "./base-command.ts";

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
  /** What `oclif.manifest.json` holds; without it, help imports every command. */
  readonly manifest?: Manifest;
  readonly loaders: CommandLoaders;
}

/** The program to oclif: its parts are handed in, so that nothing is looked for on the disk. */
export class TablePlugin extends Plugin {
  readonly #loaders: CommandLoaders;

  constructor({ pjson, loaders }: ProgramParts, manifest: Manifest) {
    super({ root: "/", pjson, isRoot: true });
    this.#loaders = loaders;
    this.pjson = pjson;
    this.manifest = manifest;
    this.name = pjson.name;
    this.alias = pjson.name;
    this.version = pjson.version;
    this.root = "/";
    this.type = "core";
    this.moduleType = "module";
    this.isRoot = true;
    this.valid = true;
    this.hooks = {};
    this.commandIDs = Object.keys(manifest.commands);
    this.commands = Object.entries(manifest.commands).map(([id, cached]) => this.#loadable(id, cached));
  }

  /** There is nothing to load. */
  override async load(): Promise<void> {}

  override async findCommand(id: string, options: { must: true }): Promise<Command.Class>;
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined>;
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined> {
    const loaded = Object.hasOwn(this.#loaders, id) ? await this.#loaders[id]?.() : undefined;
    if (loaded === undefined && options?.must) throw new TypeError(`no command ${id}`);
    return loaded as unknown as Command.Class;
  }

  #loadable(id: string, cached: Command.Cached): Command.Loadable {
    return { ...cached, id, pluginName: this.name, load: () => this.findCommand(id, { must: true }) };
  }
}
