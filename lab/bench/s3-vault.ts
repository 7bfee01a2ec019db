import { randomBytes } from "node:crypto";
import { encodeToken } from "../../src/blob/token.ts";
import { DEFAULT_COST } from "../../src/crypto/argon2id.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { ObjectStore } from "../../src/ports.ts";
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
  return tokenOf(place, prefix, (await createVault(storeAt(place, prefix), { items, cost })).tokenFields);
}

/** As `vaultAt`, with a scoped token that reads everything. */
export async function scopedVaultAt(place: Place, prefix: string, items: VaultOptions["items"]): Promise<string> {
  const { tokenFields, createToken } = await createVault(storeAt(place, prefix), { items });
  const { anchor, credential: token } = await createToken({});
  return encodeToken({ ...tokenFields, ...place, prefix, anchor, token });
}

/** A vault with a backend, and the tokens of its origin and of its gateway. */
export async function originVaultAt(
  place: Place,
  prefix: string,
  items: VaultOptions["items"],
): Promise<{ readonly origin: string; readonly gateway: string }> {
  const vault = await createVault(storeAt(place, prefix), { items });
  await vault.settings({
    backends: [{ id: "api" }],
    routes: [{ id: "jobs.create", method: "POST", path: "/v1/jobs" }],
  });
  await vault.rotateGatewayKeys();
  const stringOf = async (claims: Parameters<typeof vault.createToken>[0]): Promise<string> => {
    const { anchor, credential: token } = await vault.createToken(claims);
    return encodeToken({ ...vault.tokenFields, ...place, prefix, anchor, token });
  };
  return {
    origin: await stringOf({ backend: "api", capabilities: ["gateway_verification", "metering"] }),
    gateway: await stringOf({ permissions: ["api.gateway.sign"] }),
  };
}

function storeAt({ endpoint, region, bucket, accessKeyId, secretAccessKey }: Place, prefix: string): ObjectStore {
  const credentials = { accessKeyId, secretAccessKey: Secret.ofText(secretAccessKey) };
  const options = { clock: { nowMs: Date.now }, random: { bytes: randomBytes } };
  return openS3Store({ endpoint, region, bucket, prefix, credentials }, options);
}

export function tokenOf(place: Place, prefix: string, fields: VaultTokenFields): string {
  return encodeToken({ ...fields, ...place, prefix });
}
