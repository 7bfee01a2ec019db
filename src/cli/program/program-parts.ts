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
  /** The commit that the program was built from; null where git did not know. */
  readonly commit?: string | null;
  /** What `oclif.manifest.json` holds; without it, help imports every command. */
  readonly manifest?: Manifest;
  readonly loaders: CommandLoaders;
}
