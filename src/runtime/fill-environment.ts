import { InputError } from "../errors.ts";
import type { Warn } from "./options.ts";
import type { Vsync } from "./vsync.ts";

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Sets every secret of the vault that has no variable yet. Files stay in the vault.
 *
 * @throws InputError a secret contains NUL, where the operating system would cut it
 */
export function fillEnvironment(vault: Vsync, variables: NodeJS.ProcessEnv, warn: Warn): void {
  for (const name of vault.keys().filter((key) => !Object.hasOwn(variables, key))) {
    if (!VARIABLE_NAME.test(name)) warn(skipped(name));
    else variables[name] = valueOf(vault, name);
  }
}

function valueOf(vault: Vsync, name: string): string {
  const value = vault.require(name);
  if (!value.includes("\0")) return value;
  throw new InputError(`${name} contains a NUL character, which environment variables cannot hold`, {
    hint: "read it in the app with Vsync.open() and bytes(), or keep it in the vault as a file",
  });
}

function skipped(name: string): Parameters<Warn>[0] {
  return {
    code: "VSYNC_NAME_SKIPPED",
    message: `${JSON.stringify(name)} of the vault cannot be the name of an environment variable`,
    hint: "read it in the app with Vsync.open()",
    fields: { name },
  };
}
