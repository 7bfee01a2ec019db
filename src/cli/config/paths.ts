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

const MAX_CHARACTERS = 100;

/**
 * Why a repo's or env's name is refused, for a message; null for a good one. Such names become parts of paths, prefixes and
 * command lines.
 */
export function segmentFault(name: string): string | null {
  if (name === "") return "is empty";
  if (name.length > MAX_CHARACTERS) return `is longer than ${MAX_CHARACTERS} characters`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return "may only have letters, digits, dots, underscores and dashes";
  if (name === "." || name === "..") return "leads out of its folder";
  if (name.startsWith("-")) return "must not start with a dash";
  return null;
}

/**
 * @param what `env`, `repo`; `hint` says how else to give it
 * @param from the file or folder that it was taken from, where nobody typed it
 */
export function checkSegment(what: string, name: string, hint: string, from?: string): string {
  const fault = segmentFault(name);
  if (fault === null) return name;
  const shown = JSON.stringify(name.slice(0, MAX_CHARACTERS));
  throw new InputError(`the ${what} ${shown} ${from === undefined ? "" : `of ${from} `}${fault}`, { hint });
}
