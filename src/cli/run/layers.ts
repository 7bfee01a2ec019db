import { InputError } from "../../errors.ts";
import type { Item, NamedData } from "../../vault/format/item.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import { labelOf, readGivenInput } from "../inputs/given-input.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { parseDotenv } from "../items/dotenv/dotenv.ts";
import { refuseEmptyNames, type Selection, selectSecrets } from "../items/selection.ts";
import { type CacheFlags, openItems } from "../session/open-items.ts";
import type { SessionInput } from "../session/session.ts";
import type { Variable } from "./caller.ts";
import { type Layers, programEnvironment } from "./environment.ts";

/** The flags that decide which variables a program gets. */
export type LayerFlags = Selection &
  CacheFlags & {
    readonly env?: readonly string[] | undefined;
    readonly repo?: string | undefined;
    readonly "passphrase-file"?: string | undefined;
    readonly override?: readonly string[] | undefined;
    readonly "preserve-env"?: string | undefined;
    readonly prefix?: string | undefined;
  };

export interface LayerInput {
  readonly flags: LayerFlags;
  readonly args: { readonly env?: string | undefined };
}

/**
 * The items of each env, left to right.
 *
 * @throws InputError `--env` together with the argument, or one cache for several envs
 */
export async function openEnvs(
  { flags, args }: LayerInput,
  sources: SecretSources,
): Promise<readonly (readonly Item[])[]> {
  const { env: envs = [], ...rest } = flags;
  if (envs.length > 0 && args.env !== undefined) {
    throw new InputError("--env and the argument name several environments", {
      hint: `for all of them, give each with --env, in rising precedence: --env=${args.env} --env=${envs[0]}`,
    });
  }
  if (envs.length > 1 && flags.cache !== undefined) {
    throw new InputError("--cache keeps one vault, and several are named", { hint: "leave it out, or name one --env" });
  }
  const opened: (readonly Item[])[] = [];
  for (const env of envs.length > 0 ? envs : [args.env]) {
    const input: SessionInput = { flags: { ...rest, env }, args: {} };
    opened.push(await openItems(input, sources));
  }
  return opened;
}

/**
 * All variables of the program.
 *
 * @throws InputError a name that no vault has, an override that cannot be read, or a secret that cannot be a variable
 */
export async function variablesFrom(
  vaults: readonly (readonly Item[])[],
  caller: readonly Variable[],
  flags: LayerFlags,
  sources: SecretSources,
): Promise<readonly Variable[]> {
  const overrides = [];
  for (const path of flags.override ?? []) overrides.push(await readOverride(path, sources));
  return programEnvironment({
    caller,
    secrets: selectSecrets(laterWins(vaults), flags),
    overrides,
    preserved: preserved(flags["preserve-env"]),
    prefix: flags.prefix,
  });
}

/** Every name once, as selections expect. */
export function laterWins(vaults: readonly (readonly Item[])[]): readonly Item[] {
  return [...new Map(vaults.flat().map((item) => [item.name, item])).values()];
}

/** The value of `--preserve-env` without names: everything that the caller has set. */
export const ALL_NAMES = "*";

/** @throws InputError an empty name, such as that of an empty variable in a script */
function preserved(flag: string | undefined): Layers["preserved"] {
  if (flag === ALL_NAMES) return "all";
  const names = flag?.split(",").map((name) => name.trim());
  refuseEmptyNames({ "preserve-env": names });
  return new Set(names);
}

async function readOverride(path: string, sources: SecretSources): Promise<readonly NamedData[]> {
  if (path === "")
    throw new InputError("--override names no file", { hint: "name a dotenv file, as in --override=my.env" });
  const file = { path, flag: "--override", hint: "name a dotenv file with --override=<file>" };
  const { entries, warnings } = parseDotenv(await readGivenInput(file, MAX_BUNDLE_BYTES, sources), labelOf(path));
  for (const warning of warnings) sources.output.warn(warning);
  return entries.map(({ name, value }) => ({ name, kind: "secret", data: value }));
}
