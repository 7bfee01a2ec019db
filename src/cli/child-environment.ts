import { InputError } from "../errors.ts";
import type { Item } from "../vault/item.ts";

/** What opens vaults stays here: a program that gets the secrets needs no way to get them again. */
const KEPT_BACK =
  /^VSYNC_(CONFIG|PASSPHRASE|NEW_PASSPHRASE|THEN_PASSPHRASE|ACCESS_KEY|SECRET_KEY|SESSION_TOKEN)(_FILE)?$/;

/**
 * The environment that a program is run in: this one's, and over it the vault's secrets.
 *
 * @throws InputError a secret cannot be an environment variable
 */
export function childEnvironment(env: NodeJS.ProcessEnv, items: readonly Item[]): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !KEPT_BACK.test(name));
  const secrets = items.filter((item) => item.kind === "secret");
  return { ...Object.fromEntries(inherited), ...Object.fromEntries(secrets.map(variableOf)) };
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
