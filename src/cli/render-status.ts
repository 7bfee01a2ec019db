import type { RepoStatus, VaultStatus } from "./local-status.ts";
import type { Output } from "./output.ts";

/** One vault as a list of fields, several as a table. */
export function renderStatus({ repo, vaults }: RepoStatus, output: Output): void {
  for (const { fault, config } of vaults)
    if (fault !== null) output.warn(fault.includes(config) ? fault : `${config}: ${fault}`);
  const [only, ...more] = vaults;
  if (only === undefined) {
    output.say(`${repo} has no environment on this machine`);
    output.hint("run vsync init --env=<env>");
  } else if (more.length === 0 && only.fault === null) {
    output.fields(fieldsOf(repo, only));
  } else {
    output.table(COLUMNS, vaults);
  }
}

const COLUMNS = [
  { head: "ENV", cell: ({ env }: VaultStatus) => env },
  { head: "GENERATION SEEN", cell: ({ seenGen }: VaultStatus) => String(seenGen ?? "-"), align: "right" },
  { head: "STORE", cell: storeOf },
] as const;

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
    config: status.config,
  };
}
