import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/format/item.ts";
import { isVariableName } from "../items/dotenv/secret-text.ts";
import { type Variable, variable } from "./caller.ts";

/**
 * Variables that open a vault never reach the program. A vault or an override may set such a name on purpose, for a
 * program that opens another vault.
 */
const KEPT_BACK =
  /^VSYNC_(CONFIG|(?:(?:NEW|OLD|THEN|OTHER)_)?PASSPHRASE|TOKEN|CREDENTIAL|(?:APP_)?(?:ACCESS|SECRET)_KEY|SESSION_TOKEN)(_FILE|_COMMAND)?$/;

/**
 * The sources of a program's variables, lowest precedence first. Names in `preserved` keep the caller's value over the
 * vaults', but not over the overrides'.
 */
export interface Layers {
  readonly caller: readonly Variable[];
  /** The secrets of the vaults. */
  readonly secrets: readonly NamedData[];
  readonly overrides: readonly (readonly NamedData[])[];
  /** Names, or all of them. */
  readonly preserved: "all" | ReadonlySet<string>;
  /** Put in front of every name from a vault. */
  readonly prefix?: string | undefined;
}

/**
 * @throws InputError a secret cannot be an environment variable, or its prefixed name is taken
 */
export function programEnvironment(layers: Layers): readonly Variable[] {
  const { overrides, preserved, prefix } = layers;
  const caller = layers.caller.filter(({ name }) => !KEPT_BACK.test(name));
  const isSet = new Set(caller.map(({ name }) => name));
  const isPreserved = (name: string): boolean => isSet.has(name) && (preserved === "all" || preserved.has(name));
  const secrets = layers.secrets.map(variableOf);
  const given =
    prefix === undefined ? secrets : prefixed(secrets, prefix, (name) => isSet.has(name) && !isPreserved(name));
  const above = new Map<string, Variable>();
  for (const it of given) if (!isPreserved(it.name)) above.set(it.name, it);
  for (const it of overrides.flat().map(variableOf)) above.set(it.name, it);
  return [...caller.filter(({ name }) => !above.has(name)), ...above.values()];
}

/** The paths of files with secrets in the caller's variables. */
export function secretFiles(caller: readonly Variable[]): readonly string[] {
  const named = caller.filter(({ name }) => name.endsWith("_FILE") && KEPT_BACK.test(name));
  return named.map(({ name, entry }) => entry.toString().slice(name.length + 1)).filter((path) => path !== "");
}

/** A prefix is there to keep the vault's names apart from all others, so a name that is taken is a mistake. */
function prefixed(
  variables: readonly Variable[],
  prefix: string,
  isTaken: (name: string) => boolean,
): readonly Variable[] {
  if (!isVariableName(prefix)) {
    throw new InputError("--prefix cannot begin the name of a variable", {
      hint: "use letters, digits and underscores, starting with a letter or underscore, as in --prefix=APP_",
    });
  }
  const renamed = variables.map(({ name, entry }) => ({
    name: `${prefix}${name}`,
    entry: Buffer.concat([Buffer.from(prefix), entry]),
  }));
  const taken = renamed.find(({ name }) => isTaken(name));
  if (taken === undefined) return renamed;
  throw new InputError(`${taken.name} is already set in this environment`, {
    hint: "give another --prefix, or unset the variable first",
  });
}

function variableOf({ name, data }: NamedData): Variable {
  if (name.includes("=")) throw notAVariable(name, "its name contains =");
  if (data.expose().includes(0)) throw notAVariable(name, "its value contains a NUL byte");
  return variable(name, data.expose());
}

function notAVariable(name: string, why: string): InputError {
  return new InputError(`${name} cannot be an environment variable: ${why}`, {
    hint: "leave it out with --except, or let the program read it with the library",
  });
}

/** The longest `NAME=value` that Linux allows, including its NUL (MAX_ARG_STRLEN). */
export const MAX_VARIABLE_BYTES = 131_072;

export function variableBytes(name: string, value: string): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value) + "=\0".length;
}
