import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import { isVariableName } from "../items/secret-text.ts";

/** What opens vaults stays here: a program that gets the secrets needs no way to get them again. */
const KEPT_BACK =
  /^VSYNC_(CONFIG|PASSPHRASE|NEW_PASSPHRASE|THEN_PASSPHRASE|ACCESS_KEY|SECRET_KEY|SESSION_TOKEN)(_FILE)?$/;

/**
 * The environment that a program is run in: this one's, and over it the vault's secrets, `prefix` before each name.
 *
 * @throws InputError a secret cannot be an environment variable, or with the prefix is one that is set
 */
export function childEnvironment(env: NodeJS.ProcessEnv, items: readonly Item[], prefix?: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !KEPT_BACK.test(name));
  const secrets = items.filter((item) => item.kind === "secret").map(variableOf);
  const variables = prefix === undefined ? secrets : prefixed(secrets, prefix, env);
  return { ...Object.fromEntries(inherited), ...Object.fromEntries(variables) };
}

/** A prefix keeps the vault's names apart from all others: one that is taken is a mistake, not to be hidden. */
function prefixed(
  variables: readonly (readonly [string, string])[],
  prefix: string,
  env: NodeJS.ProcessEnv,
): readonly (readonly [string, string])[] {
  if (!isVariableName(prefix)) {
    throw new InputError("--prefix cannot begin the name of a variable", {
      hint: "use letters, digits and underscores, no digit first, as in --prefix=APP_",
    });
  }
  const renamed = variables.map(([name, value]) => [`${prefix}${name}`, value] as const);
  const taken = renamed.find(([name]) => env[name] !== undefined);
  if (taken === undefined) return renamed;
  throw new InputError(`${taken[0]} is set in this environment already`, {
    hint: "give another --prefix, or unset the variable first",
  });
}

function variableOf({ name, data }: Item): readonly [string, string] {
  if (name.includes("=")) throw notAVariable(name, "its name has a =");
  const value = data.exposeText();
  if (value.includes("\0")) throw notAVariable(name, "its value has a NUL");
  return [name, value];
}

function notAVariable(name: string, why: string): InputError {
  return new InputError(`${name} cannot be an environment variable: ${why}`, {
    hint: "let the program read it with the library, or leave it out",
  });
}

/** Linux takes no longer `NAME=value`, its NUL included (MAX_ARG_STRLEN). */
export const MAX_VARIABLE_BYTES = 131_072;

export interface EnvironmentSize {
  /** All of it, as the operating system counts: `NAME=value` and a NUL each. */
  readonly bytes: number;
  readonly count: number;
  readonly largest: { readonly name: string; readonly bytes: number };
}

export function measureEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentSize {
  const sizes = Object.entries(env).map(([name, value = ""]) => ({ name, bytes: variableBytes(name, value) }));
  const largest = sizes.reduce((a, b) => (b.bytes > a.bytes ? b : a), { name: "", bytes: 0 });
  return { bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0), count: sizes.length, largest };
}

export function variableBytes(name: string, value: string): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value) + "=\0".length;
}
