import { encodeBase64Url } from "../../crypto/base64.ts";
import type { Random } from "../../ports.ts";
import type { History } from "../open/expectation.ts";

const VAULT_ID_BYTES = 16;

/** The vault in this machine's config: everything that the first push needs except the holder. */
export interface VaultIdentity {
  readonly vault: string;
  readonly repo: string;
  readonly env: string;
  /** 0 if this machine has never seen the vault. */
  readonly seenGen: number;
  /** What this machine has seen; replaces `seenGen` once the vault has a generation. */
  readonly history?: History;
}

/** An id for a vault that has no generation yet. */
export function newVaultId(random: Random): string {
  return encodeBase64Url(random.bytes(VAULT_ID_BYTES));
}
