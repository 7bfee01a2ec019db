import { isUtf8 } from "node:buffer";
import { InputError } from "../../errors.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { becomeProgram, type KeptBack } from "./become.ts";
import { type Caller, callerOf, leadingTo, type Variable } from "./caller.ts";
import { secretFiles } from "./environment.ts";
import { type LayerFlags, type LayerInput, openEnvs, variablesFrom } from "./layers.ts";
import { loadLibc } from "./libc.ts";
import { findProgram } from "./program.ts";

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
 * Opens the vaults and starts the program with their secrets. Returns the program's exit code, unless vsync becomes the
 * program or dies by the same signal.
 *
 * @throws ProgramNotFoundError, ProgramNotStartedError, and what opening a vault throws
 */
export async function runProgram(input: RunInput, sources: SecretSources): Promise<number> {
  const { flags } = input;
  const caller = callerOf(input.commandLine, sources.variables);
  const libc = await loadLibc();
  // Bun may have replaced these with its own handlers. SIGCHLD is left out, because vsync needs it to wait for
  // children.
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
  // Loaded only here: if vsync becomes the program, none of this runs.
  const { runBeside } = await import("./beside.ts");
  return runBeside(input, { vaults, variables, caller, kept, libc }, sources);
}

/** Otherwise the program could read again what vsync has read. */
function keptBack({ flags }: RunInput, { descriptors, variables }: Caller, { stdin }: SecretSources): KeptBack {
  const files = [...secretFiles(variables), flags["passphrase-file"] ?? [], flags.override ?? []].flat();
  return { stdin: stdin.isTaken, descriptors: leadingTo(files, descriptors) };
}

const REPLACED = "\ufffd";

/**
 * Node.js, and Bun without libc, can only pass on text.
 *
 * @throws InputError an argument would change
 */
function tellOfDamage({ words }: Caller, variables: readonly Variable[], { output }: SecretSources): void {
  const damaged = words.findIndex((word) => !isUtf8(word));
  if (damaged !== -1) {
    const what = damaged === 0 ? "the program's name" : `argument ${damaged}`;
    throw new InputError(`${what} is not UTF-8 text, and Node.js would pass on another one`, {
      hint: "use the vsync binary, which passes on any bytes (docs/install.md)",
    });
  }
  for (const { name } of variables.filter(({ entry }) => !isUtf8(entry))) {
    output.warn(
      `${name} is not UTF-8 text: Node.js passes it on with ${REPLACED} in place of some bytes; the vsync binary does not`,
    );
  }
}
