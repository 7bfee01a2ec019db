import { LocalConfigMissingError } from "../errors.ts";
import { shownEndpoint } from "./endpoint.ts";
import { configPath, type LocalConfig, listEnvs, loadConfig, type Warn } from "./local-config.ts";
import { isFileStore } from "./stores.ts";
import { resolveRepo, resolveTarget, type Target, type TargetInput } from "./target.ts";

/** What this machine knows of one vault, for people and for `--json`. Nothing secret. */
export interface VaultStatus {
  readonly env: string;
  /** Why the config cannot be used, or null; the rest is then null too. */
  readonly fault: string | null;
  readonly endpoint: string | null;
  readonly region: string | null;
  readonly bucket: string | null;
  readonly prefix: string | null;
  /** `ambient`, an access key's id, or null for a directory. */
  readonly credentials: string | null;
  readonly vault: string | null;
  /** The newest generation that this machine has seen; 0 before the first push. */
  readonly seenGen: number | null;
  readonly config: string;
}

export interface RepoStatus {
  readonly repo: string;
  readonly vaults: readonly VaultStatus[];
}

/** Of every env that this machine has a config for. One that cannot be used is reported, not thrown. */
export async function repoStatus(input: TargetInput, warn: Warn): Promise<RepoStatus> {
  const repo = await resolveRepo(input);
  const envs = await listEnvs(repo);
  return { repo, vaults: await Promise.all(envs.map((env) => statusOrFault({ repo, env }, warn))) };
}

/** Of one env. @throws LocalConfigMissingError there is no config, or it cannot be used */
export async function envStatus(input: TargetInput, warn: Warn): Promise<RepoStatus> {
  const target = await resolveTarget(input);
  return { repo: target.repo, vaults: [statusOf(await loadConfig(target, warn))] };
}

async function statusOrFault(target: Target, warn: Warn): Promise<VaultStatus> {
  try {
    return statusOf(await loadConfig(target, warn));
  } catch (error) {
    if (!(error instanceof LocalConfigMissingError)) throw error;
    return { ...NOTHING, env: target.env, fault: error.message, config: configPath(target) };
  }
}

const NOTHING = {
  endpoint: null,
  region: null,
  bucket: null,
  prefix: null,
  credentials: null,
  vault: null,
  seenGen: null,
} as const;

function statusOf(config: LocalConfig): VaultStatus {
  const { env, endpoint, region, bucket, prefix, vault, seenGen } = config;
  return {
    env,
    fault: null,
    endpoint: shownEndpoint(endpoint),
    region,
    bucket,
    prefix,
    credentials: credentialsOf(config),
    vault,
    seenGen,
    config: configPath(config),
  };
}

function credentialsOf(config: LocalConfig): string | null {
  if (isFileStore(config)) return null;
  return config.credentials === "ambient" ? "ambient" : config.credentials.accessKeyId;
}
