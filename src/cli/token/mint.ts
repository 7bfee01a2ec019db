import type { RuntimeToken } from "../../blob/token.ts";
import { encodeBase64 } from "../../crypto/base64.ts";
import type { LocalConfig } from "../config/local-config.ts";
import type { Credentials, StoreLocation } from "../stores.ts";

/** A token of this machine's config, for `location`: where the vault is, and what lets a reader start before it has the manifest. */
export function mintToken(config: LocalConfig, location: StoreLocation): RuntimeToken {
  const { endpoint, region, bucket, prefix } = location;
  return {
    v: 1,
    endpoint,
    region,
    bucket,
    ...credentialFields(location.credentials),
    prefix,
    env: config.env,
    salt: encodeBase64(config.kdf.salt),
    iterations: config.kdf.iterations,
    kdf: "argon2id",
    memoryKiB: config.kdf.memoryKiB,
    parallelism: config.kdf.parallelism,
    vault: config.vault,
    minGen: config.seenGen,
  };
}

function credentialFields(credentials: Credentials): Partial<RuntimeToken> {
  if (credentials === "ambient") return { credentials };
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.exposeText(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.exposeText() }),
  };
}
