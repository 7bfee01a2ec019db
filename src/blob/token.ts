import { createHash } from "node:crypto";
import { isObject } from "../canonical-json.ts";
import { ConfigInvalidError, ConfigMissingError, ConfigUnsupportedVersionError, InputError } from "../errors.ts";
import { type Oddity, oddityOf } from "../oddities.ts";
import { readCredentialText } from "../tokens/credential-form.ts";
import { readGzipMember, writeGzipMember } from "./gzip-member.ts";
import { endpointFault, kmsKeyFault, prefixFault } from "./location.ts";

/** The runtime token (`docs/format.md` §2), with the field names of its JSON. */
export interface RuntimeToken {
  readonly v: 1;
  /** `https://…`, `http://…` or `file:///…`, no trailing slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly prefix: string;
  readonly env: string;
  /** Standard base64. This and the next four are hints: the manifest decides. */
  readonly salt: string;
  /** Argon2id passes. */
  readonly iterations: number;
  readonly kdf?: "argon2id";
  readonly memoryKiB?: number;
  readonly parallelism?: number;
  readonly vault?: string;
  /** A reader refuses an older generation. */
  readonly minGen?: number;
  /** Set if readers use the platform's own credential chain instead of keys. */
  readonly credentials?: "ambient";
  /** Standard base64 of 32 bytes: the vault's public anchor, which the credential trusts. */
  readonly anchor?: string;
  /** A credential `vsrt_…`; only together with `anchor`. */
  readonly token?: string;
  /** The KMS key that writes ask for (SSE-KMS). */
  readonly kmsKey?: string;
  /** Writes ask for S3 Bucket Keys; only together with `kmsKey`. */
  readonly bucketKey?: true;
  /** Every request agrees to pay. */
  readonly requesterPays?: true;
}

export const TOKEN_ENVELOPE = "vsync-cfg-v1:";
/** The longest JSON of a token. */
export const MAX_TOKEN_BYTES = 64 * 1024;

/** The fields in the order in which writers emit them. */
export const TOKEN_FIELDS = [
  "v",
  "endpoint",
  "region",
  "bucket",
  "accessKeyId",
  "secretAccessKey",
  "sessionToken",
  "prefix",
  "env",
  "salt",
  "iterations",
  "kdf",
  "memoryKiB",
  "parallelism",
  "vault",
  "minGen",
  "credentials",
  "anchor",
  "token",
  "kmsKey",
  "bucketKey",
  "requesterPays",
] as const satisfies readonly (keyof RuntimeToken)[];

const CHECK_INPUT = "check the flags, and the config: `vsync status` says where it is";

/**
 * The one string that an app boots from: `vsync-cfg-v1:` + base64url(gzip(JSON)), fields in the format's order.
 *
 * @throws InputError a field is invalid, or the fields together are too large
 */
export function encodeToken(token: RuntimeToken): string {
  const json = tokenJson(token);
  return TOKEN_ENVELOPE + Buffer.from(writeGzipMember(Buffer.from(json))).toString("base64url");
}

/** The JSON before encoding. It contains the secret access key in clear text. */
export function tokenJson(token: RuntimeToken): string {
  const fieldFault = tokenFault(token);
  if (fieldFault !== null) throw new InputError(`runtime token: ${fieldFault}`, { hint: CHECK_INPUT });
  const json = JSON.stringify(Object.fromEntries(TOKEN_FIELDS.map((name) => [name, token[name]])));
  if (Buffer.byteLength(json) <= MAX_TOKEN_BYTES) return json;
  const fault = `its fields are larger than the ${MAX_TOKEN_BYTES} bytes that readers accept`;
  throw new InputError(`runtime token: ${fault}`, { hint: CHECK_INPUT });
}

const MINT_AGAIN = "mint a new one with `vsync runtime-token` and set it without changing it";
const AS_PRINTED = "set it to exactly what `vsync runtime-token` or `vsync tokens create` printed";

const ODDITIES: readonly Oddity[] = [
  [/^vsrt_.*/s, "is a scoped token, which belongs in VSYNC_TOKEN"],
  [/^[.~]{0,2}\/.*/s, "is a path, which belongs in VSYNC_CONFIG_FILE"],
  [/(?<=[\w-]{20}\s?)vsync-cfg-v1:.*/s, "holds the token twice"],
  [/\s/g, "has white space in it"],
];

/** A token that was changed on its way need not be replaced. */
function hintFor(text: string): string {
  const oddity = oddityOf(text, ODDITIES);
  return oddity === null ? MINT_AGAIN : `${oddity}; ${AS_PRINTED}`;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes `VSYNC_CONFIG` strictly. Unknown fields are ignored.
 *
 * @throws ConfigMissingError the string is empty
 * @throws ConfigUnsupportedVersionError the envelope is another one, or `v` is not 1
 * @throws ConfigInvalidError any other fault
 */
export function decodeToken(text: string): RuntimeToken {
  if (text === "") {
    throw new ConfigMissingError("VSYNC_CONFIG is empty", { hint: "set it to what `vsync runtime-token` prints" });
  }
  if (!text.startsWith(TOKEN_ENVELOPE)) {
    const message = `unsupported VSYNC_CONFIG envelope: expected "${TOKEN_ENVELOPE}"`;
    throw new ConfigUnsupportedVersionError(message, { hint: hintFor(text) });
  }
  const fields = parseObject(inflate(decodeBase64Url(text)));
  checkVersion(fields);
  const fault = tokenFault(fields);
  if (fault !== null) throw invalid(fault);
  return knownFields(fields);
}

function decodeBase64Url(text: string): Uint8Array {
  const body = text.slice(TOKEN_ENVELOPE.length);
  const bytes = Buffer.from(body, "base64url");
  if (bytes.toString("base64url") !== body) {
    throw invalid("what follows the envelope is not base64url; it may be cut, wrapped or quoted", hintFor(text));
  }
  return bytes;
}

function inflate(member: Uint8Array): Uint8Array {
  try {
    return readGzipMember(member, MAX_TOKEN_BYTES);
  } catch (error) {
    throw invalid(`${(error as Error).message}; it may be cut or altered`);
  }
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    throw invalid("it does not hold JSON");
  }
  if (!isObject(value)) throw invalid("it does not hold a JSON object");
  return value;
}

function checkVersion(fields: Record<string, unknown>): void {
  const version = Object.hasOwn(fields, "v") ? fields["v"] : undefined;
  if (version === 1) return;
  const named = typeof version === "number" ? `v=${version}` : "no numeric v";
  throw new ConfigUnsupportedVersionError(`unsupported VSYNC_CONFIG version: ${named}`, {
    hint: "upgrade vsync in this app, or mint the token with the app's version of vsync",
  });
}

function invalid(fault: string, hint = MINT_AGAIN): ConfigInvalidError {
  return new ConfigInvalidError(`invalid VSYNC_CONFIG: ${fault}`, { hint });
}

/** What is wrong with a value, or null. Never quotes the value, because a token's fields are credentials. */
type Check = (value: unknown) => string | null;

const ANCHOR_FAULT = "must be base64 of 32 bytes";

const anyText: Check = (value) => (typeof value === "string" ? null : "must be a string");
const integerFrom =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least ? null : `must be an integer ≥ ${least}`;
const only =
  (expected: string | number | true): Check =>
  (value) =>
    value === expected ? null : `must be ${JSON.stringify(expected)}`;
const textThat =
  (fault: (value: string) => string | null): Check =>
  (value) =>
    typeof value === "string" ? fault(value) : "must be a string";

const CHECKS: Readonly<Record<keyof RuntimeToken, Check>> = {
  v: only(1),
  endpoint: textThat(endpointFault),
  region: anyText,
  bucket: anyText,
  accessKeyId: anyText,
  secretAccessKey: anyText,
  sessionToken: anyText,
  prefix: textThat(prefixFault),
  env: anyText,
  salt: textThat((value) => (isBase64(value) ? null : "must be base64")),
  iterations: integerFrom(1),
  kdf: only("argon2id"),
  memoryKiB: integerFrom(1),
  parallelism: integerFrom(1),
  vault: anyText,
  minGen: integerFrom(0),
  credentials: only("ambient"),
  anchor: textThat((value) => (isBase64(value) && Buffer.from(value, "base64").length === 32 ? null : ANCHOR_FAULT)),
  token: textThat(credentialFault),
  kmsKey: textThat(kmsKeyFault),
  bucketKey: only(true),
  requesterPays: only(true),
};

const REQUIRED = ["v", "endpoint", "region", "bucket", "prefix", "env", "salt", "iterations"] as const;
const KEYS = ["accessKeyId", "secretAccessKey"] as const;

/** The first fault of a token's fields, in the format's order, or null. */
export function tokenFault(fields: object): string | null {
  const own = new Map(Object.entries(fields).filter(([, value]) => value !== undefined));
  for (const name of requiredOf(own)) {
    if (!own.has(name)) return `${name} is missing`;
  }
  for (const name of TOKEN_FIELDS) {
    const fault = own.has(name) ? CHECKS[name](own.get(name)) : null;
    if (fault !== null) return `${name} ${fault}`;
  }
  if (own.has("token") && !own.has("anchor")) return "anchor is missing, and the token needs it";
  if (own.has("bucketKey") && !own.has("kmsKey")) return "kmsKey is missing, and bucketKey needs it";
  const contradicting = [...KEYS, "sessionToken"].find((name) => own.has("credentials") && own.has(name));
  return contradicting === undefined ? null : `${contradicting} must be absent with ambient credentials`;
}

function requiredOf(own: ReadonlyMap<string, unknown>): readonly string[] {
  return own.has("credentials") ? REQUIRED : [...REQUIRED, ...KEYS];
}

/** Drops fields that the format does not name. `tokenFault` has checked the others. */
export function knownFields(fields: Record<string, unknown>): RuntimeToken {
  const known = TOKEN_FIELDS.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]);
  return Object.fromEntries(known);
}

function credentialFault(text: string): string | null {
  try {
    readCredentialText(text, sha256).seed.fill(0);
    return null;
  } catch {
    return "is not a credential: it was cut or altered";
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function isBase64(value: string): boolean {
  return Buffer.from(value, "base64").toString("base64") === value;
}
