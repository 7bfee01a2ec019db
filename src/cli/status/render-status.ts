import type { SlotAccess } from "../../vault/unlock/entries.ts";
import type { TargetInput } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import type { RepoStatus, VaultStatus } from "./local-status.ts";
import type { RemoteStatus } from "./remote-status.ts";

/** One vault as a list of fields, several as a table. */
export function renderStatus({ repo, vaults }: RepoStatus, flags: TargetInput["flags"], output: Output): void {
  for (const { fault, config } of vaults)
    if (fault !== null) output.warn(fault.includes(config) ? fault : `${config}: ${fault}`);
  for (const { env, remoteFault } of vaults) if (remoteFault) output.warn(`${env}: ${remoteFault}`);
  const [only, ...more] = vaults;
  if (only === undefined) {
    output.say(`${repo} has no environment on this machine`);
    output.hint(`run vsync init --env=<env>${flags.repo === undefined ? "" : ` --repo=${flags.repo}`}`);
  } else if (more.length === 0 && only.fault === null && !only.remoteFault) {
    output.fields(fieldsOf(repo, only));
  } else {
    const isRemote = vaults.some(({ remote }) => remote !== undefined);
    output.table(isRemote ? [...COLUMNS, ...REMOTE_COLUMNS] : COLUMNS, vaults);
  }
}

const COLUMNS = [
  { head: "ENV", cell: ({ env }: VaultStatus) => env },
  { head: "GENERATION SEEN", cell: ({ seenGen }: VaultStatus) => String(seenGen ?? "-"), align: "right" },
  { head: "STORE", cell: storeOf },
] as const;

const REMOTE_COLUMNS = [
  { head: "IN THE STORE (UNVERIFIED)", cell: inStore },
  { head: "COMMITTED", cell: ({ remote }: VaultStatus) => (remote ? committedOf(remote) : "-") },
] as const;

function inStore({ remote, remoteFault }: VaultStatus): string {
  if (remote) return String(remote.gen);
  return remote === undefined || remoteFault ? "-" : "nothing";
}

function committedOf({ at, actor, action }: RemoteStatus): string {
  return `${at} by ${actor.user} on ${actor.host} (${action})`;
}

function storeOf({ endpoint, bucket, prefix, fault }: VaultStatus): string {
  return fault === null ? `${endpoint}/${bucket}/${prefix}` : "config cannot be used";
}

function fieldsOf(repo: string, status: VaultStatus): Record<string, string | number> {
  return {
    repo,
    env: status.env,
    store: storeOf(status),
    ...(status.credentials === null ? {} : { region: status.region ?? "", credentials: status.credentials }),
    vault: status.vault ?? "",
    "generation seen": status.seenGen ?? "",
    ...(status.protected ? { protected: "confirm with its name, not --yes" } : {}),
    ...(status.remote === undefined ? {} : remoteFieldsOf(status.remote)),
    config: status.config,
  };
}

function remoteFieldsOf(remote: RemoteStatus | null): Record<string, string | number> {
  if (remote === null) return { "in the store": "nothing: no push yet" };
  return {
    "in the store": remote.gen,
    committed: committedOf(remote),
    rotated: remote.rotatedAt,
    access: remote.slots.map(describeAccess).join("; "),
    verified: remote.isVerified ? "yes, by the passphrase" : "no: without a passphrase, anyone could have written this",
  };
}

/** One entry of the manifest's unlock list, in words. */
export function describeAccess({ slot, access, until }: SlotAccess): string {
  switch (access) {
    case "read-write":
      return "the current passphrase reads and writes";
    case "read":
      return `an earlier passphrase reads until ${until}`;
    case "none":
      return `an earlier passphrase expired ${until}`;
    case "unknown":
      return `only a newer vsync knows the kind of ${slot}`;
    default:
      return access satisfies never;
  }
}
