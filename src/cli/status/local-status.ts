import { LocalConfigMissingError, VsyncError } from "../../errors.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import type { SlotAccess } from "../../vault/unlock/passphrase-holder.ts";
import { configPath, type LocalConfig, listEnvs, loadConfig, type Warn } from "../config/local-config.ts";
import { resolveRepo, resolveTarget, type Target, type TargetInput } from "../config/target.ts";
import { PASSPHRASE, readGivenSecret, type SecretSources } from "../inputs/secret-input.ts";
import { shownEndpoint } from "./endpoint.ts";
import { type RemoteStatus, remoteStatus } from "./remote-status.ts";

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
  /** What the store says, where it was asked: null where nothing has been pushed yet, or `remoteFault` says why not. */
  readonly remote?: RemoteStatus | null;
  readonly remoteFault?: string | null;
}

export interface RepoStatus {
  readonly repo: string;
  readonly vaults: readonly VaultStatus[];
}

/** What `status` was given. */
export interface StatusInput extends TargetInput {
  readonly flags: TargetInput["flags"] & {
    /** Ask the stores as well. */
    readonly remote: boolean;
    readonly "passphrase-file"?: string | undefined;
  };
}

/** Of every env that this machine has a config for. One that cannot be used, or reached, is reported, not thrown. */
export async function repoStatus(input: StatusInput, { output }: SecretSources): Promise<RepoStatus> {
  const repo = await resolveRepo(input);
  return { repo, vaults: await vaultsOf(repo, input.flags.remote, (text) => output.warn(text)) };
}

export async function vaultsOf(repo: string, asksStore: boolean, warn: Warn): Promise<readonly VaultStatus[]> {
  const envs = await listEnvs(repo);
  return Promise.all(envs.map((env) => statusOrFault({ repo, env }, asksStore, warn)));
}

/**
 * Of one env; what the store says is proven by the passphrase, if one is given.
 *
 * @throws LocalConfigMissingError there is no config, or it cannot be used
 * @throws what asking the store throws
 */
export async function envStatus(input: StatusInput, sources: SecretSources): Promise<RepoStatus> {
  const warn = (text: string): void => sources.output.warn(text);
  const target = await resolveTarget(input);
  const config = await loadConfig(target, warn);
  if (!input.flags.remote) return { repo: target.repo, vaults: [statusOf(config)] };
  const passphrase = await readGivenSecret(PASSPHRASE, input.flags["passphrase-file"], sources);
  const remote = await remoteStatus(config, passphrase, warn);
  // afterwards: what was proven has been remembered
  return { repo: target.repo, vaults: [{ ...statusOf(await loadConfig(target, () => undefined)), remote }] };
}

async function statusOrFault(target: Target, asksStore: boolean, warn: Warn): Promise<VaultStatus> {
  try {
    const config = await loadConfig(target, warn);
    return asksStore ? await withRemote(config, warn) : statusOf(config);
  } catch (error) {
    if (!(error instanceof LocalConfigMissingError)) throw error;
    return { ...NOTHING, env: target.env, fault: error.message, config: configPath(target) };
  }
}

/** Unproven: each env has a passphrase of its own. */
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
  if (isDirectoryStore(config)) return null;
  return config.credentials === "ambient" ? "ambient" : config.credentials.accessKeyId;
}

export function describeAccess({ slot, access, until }: SlotAccess): string {
  switch (access) {
    case "read-write":
      return `slot ${slot} reads and writes`;
    case "read":
      return `slot ${slot}, rotated away, reads until ${until}`;
    case "none":
      return `slot ${slot}, rotated away, opens nothing since ${until}`;
    case "unknown":
      return `slot ${slot} is of a kind that this version does not know`;
    default:
      return access satisfies never;
  }
}

/** A store in one short word, for people: `s3://bucket/prefix/`, with the host where it is not AWS, or `~/vaults/prefix/`. */
export function shownStore({ endpoint, bucket, prefix }: VaultStatus, home: string): string {
  if (endpoint === null) return "?";
  if (!endpoint.startsWith("file://")) return `s3://${bucket}/${prefix}${hostRemark(endpoint)}`;
  const path = decoded(endpoint.slice("file://".length)).replace(/^\/(?=[A-Za-z]:\/)/, "");
  const folder = `${path}/${bucket}/${prefix}`;
  return home !== "" && folder.startsWith(`${home}/`) ? `~${folder.slice(home.length)}` : folder;
}

function hostRemark(endpoint: string): string {
  if (!URL.canParse(endpoint)) return "";
  const { host } = new URL(endpoint);
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(host) ? "" : ` at ${host}`;
}

/** An endpoint is checked where it is used: here it is shown as far as it goes. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
