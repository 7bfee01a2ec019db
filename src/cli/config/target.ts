import { InputError } from "../../errors.ts";
import { checkSegment } from "./path-segment.ts";
import { repoName } from "./repo-name.ts";

/** Which vault a command is about, as far as this machine's names go. */
export interface Target {
  readonly repo: string;
  readonly env: string;
}

/** What a command with `VAULT_FLAGS`, and perhaps `ENV_ARG`, was given. */
export interface TargetInput {
  readonly flags: { readonly env?: string | undefined; readonly repo?: string | undefined };
  readonly args?: { readonly env?: string | undefined };
}

/** @throws InputError no env, two of them, or no repository */
export async function resolveTarget(input: TargetInput): Promise<Target> {
  const env = givenEnv(input);
  if (env === undefined) throw new InputError("missing --env", { hint: "name the environment with --env=<env>" });
  return { repo: await resolveRepo(input), env: checkSegment("env", env, "name the environment with --env=<env>") };
}

/** The env that was given, in either way, or undefined. */
export function givenEnv({ flags, args }: TargetInput): string | undefined {
  if (flags.env !== undefined && args?.env !== undefined && flags.env !== args.env) {
    throw new InputError("--env and the argument name two environments", { hint: "give one of them" });
  }
  return flags.env ?? args?.env;
}

export function resolveRepo({ flags }: TargetInput): Promise<string> {
  return repoName({ flag: flags.repo, env: process.env, folder: workingFolder() });
}

export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new InputError("the current folder has been removed", { hint: "cd to another one" });
  }
}
