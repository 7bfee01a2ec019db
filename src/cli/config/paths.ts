import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { InputError } from "../../errors.ts";

/**
 * `${XDG_CONFIG_HOME:-~/.config}/vsync`
 *
 * @throws InputError as `xdgFolder`
 */
export function configFolder(): string {
  return join(xdgFolder("XDG_CONFIG_HOME", [".config"]), "vsync");
}

/**
 * `<config folder>/<repo>/<env>.json`, with `%2F` for a repo's slash.
 *
 * @throws InputError a name cannot be part of a path
 */
export function configPath({ repo, env }: { readonly repo: string; readonly env: string }): string {
  for (const [name, fault] of [
    [repo, repoFault(repo)],
    [env, segmentFault(env)],
  ] as const) {
    if (fault !== null)
      throw new InputError(`${JSON.stringify(name)} cannot be the name of a config file`, {
        hint: "use letters, digits, dots, underscores and dashes",
      });
  }
  return join(configFolder(), repo.replace("/", "%2F"), `${env}.json`);
}

/** The repositories that this machine has a folder of configs for, sorted. */
export async function listRepos(): Promise<string[]> {
  const entries = await readdir(configFolder(), { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name.replace("%2F", "/"));
  return names.filter((name) => repoFault(name) === null).toSorted();
}

/** The envs of a repo that this machine has a config file for, sorted. */
export async function listEnvs(repo: string): Promise<string[]> {
  const names = await readdir(dirname(configPath({ repo, env: "any" }))).catch(() => []);
  return names
    .flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? [])
    .filter((env) => segmentFault(env) === null)
    .toSorted();
}

/** All repos and envs that this machine has a config file for. */
export async function listTargets(): Promise<readonly { readonly repo: string; readonly env: string }[]> {
  const repos = await listRepos();
  return (await Promise.all(repos.map(async (repo) => (await listEnvs(repo)).map((env) => ({ repo, env }))))).flat();
}

/** This user's home folder. If neither HOME nor passwd(5) names one, it is `/`, as on container platforms. */
export function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/**
 * `${variable:-~/fallback}`. The XDG base directory specification says to ignore a relative path in the variable.
 *
 * @throws InputError the home folder is needed, but HOME is empty or relative
 */
export function xdgFolder(
  variable: "XDG_CONFIG_HOME" | "XDG_DATA_HOME" | "XDG_STATE_HOME",
  fallback: readonly string[],
): string {
  const given = process.env[variable];
  if (given && isAbsolute(given)) return given;
  // Bun would skip an empty HOME and ask the account database. Here it is an error under both runtimes.
  const home = process.platform !== "win32" && process.env["HOME"] === "" ? "" : homeFolder();
  if (isAbsolute(home)) return join(home, ...fallback);
  const fault = home === "" ? "HOME is empty" : "HOME is not an absolute path";
  throw new InputError(fault, { hint: `set HOME to your home folder, or ${variable} to an absolute path` });
}

const MAX_CHARACTERS = 100;
/** On Windows, these names open a device, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** Like `segmentFault`, for a repo: one segment, or two as in `acme/api`. */
export function repoFault(name: string): string | null {
  const segments = name.split("/");
  if (segments.length > 2) return "has more than one slash";
  return segments.map(segmentFault).find((fault) => fault !== null) ?? null;
}

/**
 * Why an env may not have this name, as the end of a message, or null. Names end up in paths, prefixes and command
 * lines.
 */
export function segmentFault(name: string): string | null {
  if (name === "") return "is empty";
  if (name.length > MAX_CHARACTERS) return `is longer than ${MAX_CHARACTERS} characters`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return "may only have letters, digits, dots, underscores and dashes";
  if (name === "." || name === "..") return "leads out of its folder";
  if (name.startsWith("-")) return "must not start with a dash";
  if (name.endsWith(".")) return "must not end in a dot, which Windows drops";
  if (RESERVED.test(name)) return "is reserved by Windows";
  return null;
}

/**
 * Returns the name if it is valid.
 *
 * @param hint other ways to give it
 * @param from the file or folder that it came from, if nobody typed it
 * @throws InputError the name is not valid
 */
export function requireName(what: "env" | "repo", name: string, hint: string, from?: string): string {
  const fault = what === "repo" ? repoFault(name) : segmentFault(name);
  if (fault === null) return name;
  const shown = JSON.stringify(name.slice(0, MAX_CHARACTERS));
  throw new InputError(`the ${what} ${shown} ${from === undefined ? "" : `of ${from} `}${fault}`, { hint });
}
