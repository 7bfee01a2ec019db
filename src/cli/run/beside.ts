import type { Item } from "../../vault/format/item.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import type { KeptBack } from "./become.ts";
import type { Caller, Variable } from "./caller.ts";
import type { Surroundings } from "./child.ts";
import { laterWins, openEnvs, variablesFrom } from "./layers.ts";
import type { Ending, Libc } from "./libc.ts";
import { Mounts } from "./mounts.ts";
import { findProgram, type Program } from "./program.ts";
import { runOutput } from "./redaction/output.ts";
import type { RunInput } from "./run.ts";
import { endLike, stayBeside } from "./stay.ts";

/** What the program gets, and what was there to give it. */
interface Opened {
  readonly vaults: readonly (readonly Item[])[];
  readonly variables: readonly Variable[];
  readonly caller: Caller;
  readonly kept: KeptBack;
  readonly libc: Libc | null;
}

/**
 * Runs the program while vsync stays: it masks the output, keeps mounted files, and restarts the program. Resolves with
 * the exit code, unless vsync dies by the same signal as the program.
 *
 * @throws ProgramNotFoundError, ProgramNotStartedError
 */
export async function runBeside(input: RunInput, opened: Opened, sources: SecretSources): Promise<number> {
  const { vaults, variables, caller, kept, libc } = opened;
  const items = laterWins(vaults);
  const output = await runOutput(input.flags, items, sources.output);
  return endLike(await withMounts(input, { items, variables, around: { caller, kept, output, libc } }, sources), libc);
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
