import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { listDotenvEnvs } from "../config/dotenv-files.ts";
import { listRepos, type Warn } from "../config/local-config.ts";
import { type FoundRepo, findRepo } from "../config/repo-name.ts";
import { workingFolder } from "../config/target.ts";
import { type VaultStatus, vaultsOf } from "./local-status.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where one is, as far as this machine knows without asking anybody. */
export interface Overview {
  readonly repo: FoundRepo | null;
  readonly vaults: readonly VaultStatus[];
  /** Other repositories that this machine has configs for. */
  readonly otherRepos: readonly string[];
  /** The envs that the folder has a dotenv file for: `prod` of `.env.prod`. */
  readonly dotenvEnvs: readonly string[];
  /** Whether a runtime token is in the environment. */
  readonly hasToken: boolean;
  /** Where the platform's own credential chain would begin here, as far as one sees without asking; null for nowhere. */
  readonly ambient: string | null;
  readonly home: string;
}

/** Reads this machine's files only. */
export async function lookAround(env: Environment, warn: Warn): Promise<Overview> {
  const folder = workingFolder();
  const repo = await findRepo({ flag: undefined, env, folder });
  const [vaults, repos, dotenvEnvs] = await Promise.all([
    repo === null ? [] : vaultsOf(repo.name, false, warn),
    listRepos(),
    listDotenvEnvs(folder),
  ]);
  const otherRepos = repos.filter((name) => name !== repo?.name);
  const hasToken = Boolean(env["VSYNC_CONFIG"] || env["VSYNC_CONFIG_FILE"]);
  const home = homedir();
  return { repo, vaults, otherRepos, dotenvEnvs, hasToken, ambient: await ambientSource(env, home), home };
}

const AMBIENT_VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

async function ambientSource(env: Environment, home: string): Promise<string | null> {
  const variable = AMBIENT_VARIABLES.find((name) => env[name]);
  if (variable !== undefined) return variable;
  const names: readonly string[] = await readdir(join(home, ".aws")).catch(() => []);
  return names.includes("credentials") || names.includes("config") ? "~/.aws" : null;
}
