import { randomBytes } from "node:crypto";
import { encodeToken } from "../../src/blob/token.ts";
import { DEFAULT_COST } from "../../src/crypto/argon2id.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { openS3Store } from "../../src/s3/store.ts";
import { createVault, type VaultOptions, type VaultTokenFields } from "../../test/support/vault-fixture.ts";
import type { Place } from "./s3-server.ts";

type Cost = NonNullable<VaultOptions["cost"]>;

/** This many secrets of 40 characters. */
export function secretsOf(count: number): VaultOptions["items"] {
  return Array.from({ length: count }, (_, at) => ({ name: `SECRET_${at}`, data: String(at).padEnd(40, "x") }));
}

/** Makes a vault below a prefix, at the default KDF cost. Returns its token. */
export async function vaultAt(
  place: Place,
  prefix: string,
  items: VaultOptions["items"],
  cost: Cost = DEFAULT_COST,
): Promise<string> {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = place;
  const credentials = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  const options = { clock: { nowMs: Date.now }, random: { bytes: randomBytes } };
  const store = openS3Store({ endpoint, region, bucket, prefix, credentials }, options);
  return tokenOf(place, prefix, (await createVault(store, { items, cost })).tokenFields);
}

export function tokenOf(place: Place, prefix: string, fields: VaultTokenFields): string {
  return encodeToken({ ...fields, ...place, prefix });
}
