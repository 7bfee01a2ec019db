import { endpointFault, prefixFault } from "./location.ts";
import { type RuntimeToken, TOKEN_FIELDS } from "./token.ts";

/** Says what is wrong with a value, or null. Never quotes it: a token's fields are credentials. */
type Check = (value: unknown) => string | null;

const text: Check = (value) => (typeof value === "string" ? null : "must be a string");
const integerFrom =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least ? null : `must be an integer ≥ ${least}`;
const only =
  (expected: string | number): Check =>
  (value) =>
    value === expected ? null : `must be ${JSON.stringify(expected)}`;
const textThat =
  (fault: (value: string) => string | null): Check =>
  (value) =>
    typeof value === "string" ? fault(value) : "must be a string";

const CHECKS: Readonly<Record<keyof RuntimeToken, Check>> = {
  v: only(1),
  endpoint: textThat(endpointFault),
  region: text,
  bucket: text,
  accessKeyId: text,
  secretAccessKey: text,
  sessionToken: text,
  prefix: textThat(prefixFault),
  env: text,
  salt: textThat((value) => (isBase64(value) ? null : "must be base64")),
  iterations: integerFrom(1),
  kdf: only("argon2id"),
  memoryKiB: integerFrom(1),
  parallelism: integerFrom(1),
  vault: text,
  minGen: integerFrom(0),
  credentials: only("ambient"),
};

const REQUIRED = ["v", "endpoint", "region", "bucket", "prefix", "env", "salt", "iterations"] as const;
const KEYS = ["accessKeyId", "secretAccessKey"] as const;

/** What is wrong with a token's fields, the first fault in the format's order; null where nothing is. */
export function tokenFault(fields: object): string | null {
  const own = new Map(Object.entries(fields).filter(([, value]) => value !== undefined));
  for (const name of requiredOf(own)) {
    if (!own.has(name)) return `${name} is missing`;
  }
  for (const name of TOKEN_FIELDS) {
    const fault = own.has(name) ? CHECKS[name](own.get(name)) : null;
    if (fault !== null) return `${name} ${fault}`;
  }
  const contradicting = [...KEYS, "sessionToken"].find((name) => own.has("credentials") && own.has(name));
  return contradicting === undefined ? null : `${contradicting} must be absent beside ambient credentials`;
}

function requiredOf(own: ReadonlyMap<string, unknown>): readonly string[] {
  return own.has("credentials") ? REQUIRED : [...REQUIRED, ...KEYS];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields that the format names, without those that it does not. The fields have been checked. */
export function knownFields(fields: Record<string, unknown>): RuntimeToken {
  const known = TOKEN_FIELDS.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]);
  return Object.fromEntries(known);
}

function isBase64(value: string): boolean {
  return Buffer.from(value, "base64").toString("base64") === value;
}
