import { encodeToken, type RuntimeToken, TOKEN_FIELDS, tokenJson } from "../../blob/token.ts";
import { encodeBase64 } from "../../crypto/base64.ts";
import type { Credentials, StoreLocation } from "../../stores/location.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { shownEndpoint } from "../config/location.ts";
import type { Output } from "../terminal/output.ts";

/** The token for `location`, with what a reader needs from the config before it has the manifest. */
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
    ...(config.anchor === undefined ? {} : { anchor: config.anchor }),
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

/** AWS Lambda's limit for all variables together, in bytes. */
const LAMBDA_LIMIT_BYTES = 4096;

/** Prints the token alone on stdout, and with `asJson` its content on stderr. */
export function emitToken(token: RuntimeToken, output: Output, { asJson }: { readonly asJson: boolean }): void {
  const text = encodeToken(token);
  if (asJson) showJson(token, output);
  if (text.length > LAMBDA_LIMIT_BYTES) {
    output.warn(
      `the token has ${text.length} bytes: AWS Lambda allows ${LAMBDA_LIMIT_BYTES} for all variables together`,
    );
  }
  output.raw(`${text}\n`);
}

function showJson(token: RuntimeToken, output: Output): void {
  const what = token.secretAccessKey === undefined ? "IS WHAT THE TOKEN HOLDS" : "CONTAINS YOUR AWS SECRET ACCESS KEY";
  const rule = "!".repeat(72);
  for (const line of [rule, `!! THE NEXT LINE ${what}: do not log, paste or store it`, rule]) output.say(line);
  output.say(tokenJson(token));
}

const MASK = "[secret]";
const SECRET_FIELDS: readonly (keyof RuntimeToken)[] = ["secretAccessKey", "sessionToken", "token"];

/** A token's fields in the order of the format, secrets masked. */
export function describeToken(token: RuntimeToken): Record<string, string | number> {
  const present = TOKEN_FIELDS.flatMap((name) =>
    token[name] === undefined ? [] : [[name, shown(token, name)] as const],
  );
  return Object.fromEntries(present);
}

function shown(token: RuntimeToken, name: keyof RuntimeToken): string | number {
  if (SECRET_FIELDS.includes(name)) return MASK;
  return name === "endpoint" ? shownEndpoint(token.endpoint) : (token[name] ?? "");
}
