import { randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { encodeToken } from "../../src/blob/token.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { openS3Store } from "../../src/s3/store.ts";
import type { GivenClaims } from "../../src/vault/tokens/create.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import type { BucketTerms } from "../support/strict-s3/terms.ts";
import type { User } from "../support/strict-s3/users.ts";
import { createVault, type VaultFixture } from "../support/vault-fixture.ts";
import { ITEMS } from "./fixture.ts";

export interface BucketVault extends VaultFixture {
  readonly server: StrictS3;
  configWith(fields: Partial<RuntimeToken>): string;
  /** Creates a scoped token. Resolves with its string. */
  token(claims: Partial<GivenClaims>): Promise<{ readonly config: string }>;
}

/** A vault in a bucket of a loopback server with these users and a root user; its log is empty. */
export async function bucketVault(users: readonly User[] = [], terms: BucketTerms = {}): Promise<BucketVault> {
  const server = await startStrictS3({ users: [ROOT, ...users], terms });
  onTestFinished(() => server.close());
  const place = { endpoint: server.endpoint, region: server.region, bucket: "strict", prefix: "api/prod/" };
  const credentials = { accessKeyId: ROOT.accessKeyId, secretAccessKey: Secret.ofText(ROOT.secretAccessKey) };
  const ports = { clock: { nowMs: Date.now }, random: { bytes: randomBytes } };
  const vault = await createVault(openS3Store({ ...place, credentials }, ports), { items: ITEMS });
  const keys = { accessKeyId: ROOT.accessKeyId, secretAccessKey: ROOT.secretAccessKey };
  server.log.length = 0;
  const configWith = (fields: Partial<RuntimeToken>) =>
    encodeToken({ ...vault.tokenFields, ...place, ...keys, ...fields });
  return {
    ...vault,
    server,
    configWith,
    async token(claims) {
      const { anchor, credential, gen: minGen } = await vault.createToken(claims);
      return { config: configWith({ anchor, token: credential, minGen }) };
    },
  };
}
