import { LocalConfigMissingError, VsyncError } from "../../errors.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import type { LocalConfig, Warn } from "../config/local-config.ts";
import { shownEndpoint } from "../config/location.ts";
import { configPath, listEnvs } from "../config/paths.ts";
import { PASSPHRASE, readGivenSecret, type SecretSources } from "../inputs/secret-input.ts";
import { configHere } from "../project/config-here.ts";
import { resolveTarget, surroundings, type Which, type WhichRepo, whichRepo } from "../project/which-vault.ts";
import { configFor } from "../session/config.ts";
import type { SessionInput } from "../session/session.ts";
import { type RemoteStatus, remoteStatus } from "./remote-status.ts";

/** What this machine knows of one vault, for people and for `--json`, without secrets. */
export interface VaultStatus {
  readonly env: string;
  /** Why the config cannot be used, or null. If set, all fields that come from the config are null. */
  readonly fault: string | null;
  readonly endpoint: string | null;
  readonly region: string | null;
  readonly bucket: string | null;
  readonly prefix: string | null;
  /** `ambient`, the id of an access key, or null for a directory. */
  readonly credentials: string | null;
  readonly vault: string | null;
  /** The newest generation that this machine has seen; 0 before the first push. */
  readonly seenGen: number | null;
  /** Whether only the env's name confirms a loss. Null if the config cannot be used. */
  readonly protected: boolean | null;
  readonly config: string;
  /** The store's state, if it was asked. Null before the first push, or if it failed, which `remoteFault` explains. */
  readonly remote?: RemoteStatus | null;
  readonly remoteFault?: string | null;
}

export interface RepoStatus {
  readonly repo: string;
  readonly vaults: readonly VaultStatus[];
}

/** Shows no values, and must not bind the config to a folder. */
const USE = { use: "values" } as const;

export interface StatusInput extends SessionInput {
  /** `remote`: ask the stores as well. */
  readonly flags: SessionInput["flags"] & { readonly remote: boolean };
}

/** The status of every env of the repo on this machine. Reports a failing config or store instead of throwing. */
export async function repoStatus(input: StatusInput, { output }: SecretSources): Promise<RepoStatus> {
  const { warn } = output;
  const named = await whichRepo(input, surroundings(warn));
  return { repo: named.name, vaults: await vaultsOf(named, input.flags.remote, warn) };
}

export async function vaultsOf(named: WhichRepo, asksStore: boolean, warn: Warn): Promise<readonly VaultStatus[]> {
  const envs = await listEnvs(named.name);
  const whichOf = (env: string): Which => ({ repo: named.name, env, named, isEnvTyped: false });
  return Promise.all(envs.map((env) => statusOrFault(whichOf(env), asksStore, warn)));
}

/**
 * The status of one env. If a passphrase is given, it proves the store's state.
 *
 * @throws LocalConfigMissingError the config is missing or unusable
 * @throws what `remoteStatus` throws
 */
export async function envStatus(input: StatusInput, sources: SecretSources): Promise<RepoStatus> {
  const { warn } = sources.output;
  const target = await resolveTarget(input, warn, USE);
  const config = await configFor(target, sources, USE, warn);
  if (!input.flags.remote) return { repo: target.repo, vaults: [statusOf(config)] };
  const passphrase = await readGivenSecret(PASSPHRASE, input.flags["passphrase-file"], sources);
  const remote = await remoteStatus(config, passphrase, warn);
  // Read again, because a proven state has just been remembered there.
  return {
    repo: target.repo,
    vaults: [{ ...statusOf(config.isTransient ? config : await configHere(target, USE)), remote }],
  };
}

async function statusOrFault(target: Which, asksStore: boolean, warn: Warn): Promise<VaultStatus> {
  try {
    const config = await configHere(target, USE, warn);
    return asksStore ? await withRemote(config, warn) : statusOf(config);
  } catch (error) {
    if (!(error instanceof LocalConfigMissingError)) throw error;
    return { ...NOTHING, env: target.env, fault: error.message, config: configPath(target) };
  }
}

/** Unproven, because each env has its own passphrase and one flag cannot give them all. */
async function withRemote(config: LocalConfig, warn: Warn): Promise<VaultStatus> {
  try {
    return { ...statusOf(config), remote: await remoteStatus(config, null, warn), remoteFault: null };
  } catch (error) {
    if (!(error instanceof VsyncError)) throw error;
    return { ...statusOf(config), remote: null, remoteFault: error.message };
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
  protected: null,
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
    protected: config.isProtected === true,
    config: configPath(config),
  };
}

function credentialsOf(config: LocalConfig): string | null {
  if (isDirectoryStore(config)) return null;
  return config.credentials === "ambient" ? "ambient" : config.credentials.accessKeyId;
}
