import { readdir } from "node:fs/promises";
import { InputError } from "../../errors.ts";

/** Which vault a command works on, in this machine's own names. */
export interface Target {
  readonly repo: string;
  readonly env: string;
  /** The user typed `--repo`, so commands in hints need it too. */
  readonly isRepoTyped?: boolean;
}

/** The flags and arguments of a command with `VAULT_FLAGS`, and perhaps `ENV_ARG`. */
export interface TargetInput {
  readonly flags: { readonly env?: string | undefined; readonly repo?: string | undefined };
  readonly args?: { readonly env?: string | undefined };
}

/**
 * The env that the flag or the argument names, or undefined.
 *
 * @throws InputError they name different ones
 */
export function givenEnv({ flags, args }: TargetInput): string | undefined {
  if (flags.env !== undefined && args?.env !== undefined && flags.env !== args.env) {
    throw new InputError("--env and the argument name different environments", { hint: "give one of them" });
  }
  return flags.env ?? args?.env;
}

/** `--env=prod --repo=web`, for commands in hints. */
export function vaultFlags({ env, ...target }: Target): string {
  return `--env=${env}${repoFlag(target)}`;
}

/** `prod --repo=web`, for day-to-day commands. */
export function vaultArgs({ env, ...target }: Target): string {
  return `${env}${repoFlag(target)}`;
}

/** `vsync list prod`, for hints; just `vsync list` without a target, as for the vault of `VSYNC_CONFIG`. */
export function commandOn(target: Target | null, verb: string): string {
  return target === null ? `vsync ${verb}` : `vsync ${verb} ${vaultArgs(target)}`;
}

function repoFlag({ repo, isRepoTyped = false }: Omit<Target, "env">): string {
  return isRepoTyped ? ` --repo=${repo}` : "";
}

export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new InputError("the current folder has been removed", { hint: "cd to another one" });
  }
}

/** Suffixes of files that contain examples or one person's overrides, and are never pushed. */
const NOT_ENVS = new Set(["example", "sample", "template", "defaults", "dist", "local"]);

/** The envs that a folder has a dotenv file for, sorted: `prod` of `.env.prod`. */
export async function listDotenvEnvs(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const envs = names.flatMap((name) => /^\.env\.([A-Za-z0-9_-]+)$/.exec(name)?.[1] ?? []);
  return envs.filter((env) => !NOT_ENVS.has(env)).toSorted();
}
