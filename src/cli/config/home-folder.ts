import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { InputError } from "../../errors.ts";

/**
 * `${variable:-~/fallback}`. A relative path in the variable is to be ignored, says the XDG base directory specification.
 *
 * @throws InputError the home folder is needed, and HOME does not say where it is
 */
export function xdgFolder(variable: "XDG_CONFIG_HOME" | "XDG_DATA_HOME", fallback: readonly string[]): string {
  const given = process.env[variable];
  if (given && isAbsolute(given)) return given;
  // bun passes over an empty HOME to what the account says.
  const home = process.platform !== "win32" && process.env["HOME"] === "" ? "" : homedir();
  if (isAbsolute(home)) return join(home, ...fallback);
  const fault = home === "" ? "HOME is empty" : "HOME is not an absolute path";
  throw new InputError(fault, { hint: `set HOME to your home folder, or ${variable} to an absolute path` });
}
