import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import { isVariableName } from "../items/secret-text.ts";

/** The program gets the secrets, not the credentials that open the vault. */
const KEPT_BACK =
  /^VSYNC_(CONFIG|PASSPHRASE_COMMAND|PASSPHRASE|NEW_PASSPHRASE|THEN_PASSPHRASE|ACCESS_KEY|SECRET_KEY|SESSION_TOKEN|TOKEN)(_FILE)?$/;

/**
 * The program's environment: our own variables, overridden by the vault's secrets, each name with `prefix` before it.
 *
 * @throws InputError a secret cannot be an environment variable, or its prefixed name is taken
 */
export function childEnvironment(own: NodeJS.ProcessEnv, items: readonly Item[], prefix?: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(own).filter(([name]) => !KEPT_BACK.test(name));
  const secrets = items.filter((item) => item.kind === "secret").map(variableOf);
  const variables = prefix === undefined ? secrets : prefixed(secrets, prefix, own);
  return { ...Object.fromEntries(inherited), ...Object.fromEntries(variables) };
}

/** A prefix sets the vault's names apart from all others, so a name that is taken is a mistake. */
function prefixed(
  variables: readonly (readonly [string, string])[],
  prefix: string,
  own: NodeJS.ProcessEnv,
): readonly (readonly [string, string])[] {
  if (!isVariableName(prefix)) {
    throw new InputError("--prefix cannot begin the name of a variable", {
      hint: "use letters, digits and underscores, starting with a letter or underscore, as in --prefix=APP_",
    });
  }
  const renamed = variables.map(([name, value]) => [`${prefix}${name}`, value] as const);
  const taken = renamed.find(([name]) => own[name] !== undefined);
  if (taken === undefined) return renamed;
  throw new InputError(`${taken[0]} is already set in this environment`, {
    hint: "give another --prefix, or unset the variable first",
  });
}

function variableOf({ name, data }: Item): readonly [string, string] {
  if (name.includes("=")) throw notAVariable(name, "its name contains =");
  const value = data.exposeText();
  if (value.includes("\0")) throw notAVariable(name, "its value contains a NUL byte");
  return [name, value];
}

function notAVariable(name: string, why: string): InputError {
  return new InputError(`${name} cannot be an environment variable: ${why}`, {
    hint: "leave it out with --except, or let the program read it with the library",
  });
}

/** The longest `NAME=value` that Linux takes, including its NUL (MAX_ARG_STRLEN). */
export const MAX_VARIABLE_BYTES = 131_072;

export interface EnvironmentSize {
  /** As the operating system counts: `NAME=value` and a NUL each. */
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
