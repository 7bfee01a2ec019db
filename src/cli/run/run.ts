import { isUtf8 } from "node:buffer";
import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { becomeProgram, type KeptBack } from "./become.ts";
import { type Caller, callerOf, leadingTo, type Variable } from "./caller.ts";
import type { Surroundings } from "./child.ts";
import { secretFiles } from "./environment.ts";
import { type LayerFlags, type LayerInput, laterWins, openEnvs, variablesFrom } from "./layers.ts";
import { type Ending, loadLibc } from "./libc.ts";
import { Mounts } from "./mounts.ts";
import { findProgram, type Program } from "./program.ts";
import { runOutput } from "./redaction/output.ts";
import { endLike, stayBeside } from "./stay.ts";

export interface RunInput extends LayerInput {
  readonly flags: LayerFlags & {
    readonly redact: boolean;
    readonly show?: readonly string[] | undefined;
    readonly watch: boolean;
    readonly mount?: readonly string[] | undefined;
  };
  readonly commandLine: readonly string[];
}

/**
 * Opens the vaults and starts the program with their secrets. Does not return where vsync becomes the program, or dies by
 * the signal that it died of; else returns its exit code.
 *
 * @throws ProgramNotFoundError, ProgramNotStartedError, and what opening a vault throws
 */
export async function runProgram(input: RunInput, sources: SecretSources): Promise<number> {
  const { flags } = input;
  const caller = callerOf(input.commandLine, sources.variables);
  const libc = await loadLibc();
  // bun may have put handlers of its own there. vsync itself waits for children, which takes SIGCHLD.
  for (const signal of caller.ignored) {
    if (signal === "SIGCHLD") libc?.setDefault(signal);
    else libc?.ignore(signal);
  }
  const vaults = await openEnvs(input, sources);
  const variables = await variablesFrom(vaults, caller.variables, flags, sources);
  sources.prompter.speakUp();
  const kept = keptBack(input, caller, sources);
  if (libc === null) tellOfDamage(caller, variables, sources);
  const stays = flags.redact || flags.watch || flags.mount !== undefined;
  if (!stays) becomeProgram(findProgram(caller.words, variables), caller, kept, libc);
  const items = laterWins(vaults);
  const output = await runOutput(flags, items, sources.output);
  const around = { caller, kept, output, libc };
  return endLike(await withMounts(input, { items, variables, around }, sources), libc);
}

interface Prepared {
  readonly items: readonly Item[];
  readonly variables: readonly Variable[];
  readonly around: Surroundings;
}

async function withMounts(
  { flags: { mount = [], ...flags }, ...input }: RunInput,
  { items, variables, around }: Prepared,
  sources: SecretSources,
): Promise<Pick<Ending, "code" | "signal">> {
  await using mounts = await Mounts.write(mount, items, sources.output);
  const mounted = new Set(mounts.variables.map(({ name }) => name));
  const programOf = (own: readonly Variable[]): Program =>
    findProgram(around.caller.words, [...own.filter(({ name }) => !mounted.has(name)), ...mounts.variables]);
  if (!flags.watch) return await stayBeside(programOf(variables), around);
  const { watchVaults } = await import("./watch.ts");
  const look = async (): Promise<readonly Variable[]> =>
    variablesFrom(await openEnvs({ ...input, flags }, sources), around.caller.variables, flags, sources);
  return await watchVaults({ variables, look, programOf, around }, sources.output);
}

/** The program could read once more what vsync has read. */
function keptBack({ flags }: RunInput, { descriptors, variables }: Caller, { stdin }: SecretSources): KeptBack {
  const files = [...secretFiles(variables), flags["passphrase-file"] ?? [], flags.override ?? []].flat();
  return { stdin: stdin.isTaken, descriptors: leadingTo(files, descriptors) };
}

const REPLACED = "\ufffd";

/** Node.js, and bun without libc, hand on text alone. @throws InputError an argument would name something else */
function tellOfDamage({ words }: Caller, variables: readonly Variable[], { output }: SecretSources): void {
  const damaged = words.findIndex((word) => !isUtf8(word));
  if (damaged !== -1) {
    const what = damaged === 0 ? "the program's name" : `argument ${damaged}`;
    throw new InputError(`${what} is not UTF-8 text, and Node.js would hand on another one`, {
      hint: "use the vsync binary, which hands on any bytes (docs/install.md)",
    });
  }
  for (const { name } of variables.filter(({ entry }) => !isUtf8(entry))) {
    output.warn(
      `${name} is not UTF-8 text: Node.js hands it on with ${REPLACED} in place of some bytes; the vsync binary does not`,
    );
  }
}
