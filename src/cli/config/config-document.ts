import * as v from "valibot";
import { endpointFault, kmsKeyFault, prefixFault } from "../../blob/location.ts";
import { type KdfCost, kdfCostFault } from "../../crypto/argon2id.ts";
import { decodeBase64, decodeCheckedBase64, encodeBase64 } from "../../crypto/base64.ts";
import { Secret } from "../../crypto/secret.ts";
import { type AccessKey, type Credentials, presentTerms, type StoreLocation } from "../../stores/location.ts";
import type { Floor } from "../../vault/audit/floor.ts";
import type { Target } from "./target.ts";

const CONFIG_FORMAT = "vsync-config-v1";

/** A folder in which commands use this config without naming its repo. */
export interface Root {
  /** The real path of the project's folder. */
  readonly folder: string;
  /** The real path of git's common folder, which all worktrees of a clone share. */
  readonly git?: string | undefined;
  /** The project's folder within its working tree; "" is the top. Only with `git`. */
  readonly within?: string | undefined;
  /** `github.com/acme/api`: tells a clone that was moved from a different one. */
  readonly remote?: string | undefined;
}

/**
 * A place that a vault has moved away from. vsync reaches it with the config's own credentials, or with those given to
 * the move.
 */
export interface LeftPlace extends StoreLocation {
  readonly env: string;
}

/**
 * What this machine knows of one vault (`<config folder>/<repo>/<env>.json`). It has neither the passphrase nor a key
 * derived from it.
 */
export interface LocalConfig extends Target, StoreLocation {
  /** The vault's id. */
  readonly vault: string;
  /** How to derive the newest passphrase that this machine has seen. A hint only: the manifest decides. */
  readonly kdf: KdfCost;
  /** That passphrase's X25519 public key, 32 bytes. */
  readonly recipient: Uint8Array;
  /** The newest generation that the passphrase of `recipient` has opened here; 0 before the first. */
  readonly seenGen: number;
  /** The vault's public anchor in base64, present from its first scoped token on. Runtime tokens pin it. */
  readonly anchor?: string;
  /** What each passphrase has opened here, by its X25519 public key in base64. */
  readonly floors?: ReadonlyMap<string, Floor>;
  /** A config without roots is older than they are, and is bound to a folder at its first use. */
  readonly roots?: readonly Root[] | undefined;
  /** If set, only the env's name, typed or given, confirms a loss. See `isProtected`. */
  readonly protected?: true | undefined;
  /** The read-only key that goes into runtime tokens. Default: that of `credentials`. */
  readonly app?: AccessKey | undefined;
  /** `reader` if the key of `credentials`, or this user in a directory, cannot write. */
  readonly role?: "reader" | undefined;
  /** The place that the vault has moved away from, until `move --finish`: its bundles still open there. */
  readonly movedFrom?: LeftPlace | undefined;
  /** The config comes from a project file alone; this machine stores nothing of it. */
  readonly isTransient?: boolean;
  /** Whether the config or the project file sets `protected`. Not stored. */
  readonly isProtected?: boolean;
  /**
   * Whether the command runs in one of the config's folders; only then may the key that `vsync unlock` keeps open it.
   * Not stored.
   */
  readonly isAtRoot?: boolean;
  /** The names that the project needs to start, as its project file says. Not stored. */
  readonly required?: readonly string[];
}

const text = v.pipe(v.string(), v.minLength(1));
const integer = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const base64 = v.pipe(
  v.string(),
  v.check((encoded) => decodeBase64(encoded) !== null),
);
const recipient = v.pipe(
  base64,
  v.check((encoded) => decodeBase64(encoded)?.length === 32),
);
const endpoint = v.pipe(
  text,
  v.check((given) => endpointFault(given) === null),
);
const prefix = v.pipe(
  text,
  v.check((given) => prefixFault(given) === null),
);
const accessKey = v.strictObject({
  accessKeyId: text,
  secretAccessKey: text,
  sessionToken: v.exactOptional(text),
});
const credentials = v.union([v.literal("ambient"), accessKey]);
const kdfFields = v.strictObject({ salt: base64, iterations: integer, memoryKiB: integer, parallelism: integer });
const kdf = v.pipe(
  kdfFields,
  v.check((given) => kdfCostFault(kdfCost(given)) === null),
);

const terms = {
  kmsKey: v.exactOptional(
    v.pipe(
      text,
      v.check((given) => kmsKeyFault(given) === null),
    ),
  ),
  bucketKey: v.exactOptional(v.literal(true)),
  requesterPays: v.exactOptional(v.literal(true)),
};

const root = v.strictObject({
  folder: text,
  git: v.exactOptional(text),
  within: v.exactOptional(v.string()),
  remote: v.exactOptional(text),
});

/** In the order of the file. */
const document = v.strictObject({
  format: v.literal(CONFIG_FORMAT),
  repo: text,
  env: text,
  endpoint,
  region: text,
  bucket: text,
  prefix,
  credentials,
  ...terms,
  vault: text,
  kdf,
  recipient,
  seenGen: integer,
  anchor: v.exactOptional(base64),
  floors: v.exactOptional(
    v.array(v.strictObject({ recipient, gen: integer, row: v.pipe(v.string(), v.hexadecimal()) })),
  ),
  roots: v.exactOptional(v.array(root)),
  protected: v.exactOptional(v.literal(true)),
  app: v.exactOptional(accessKey),
  role: v.exactOptional(v.literal("reader")),
  movedFrom: v.exactOptional(
    v.strictObject({ env: text, endpoint, region: text, bucket: text, prefix, credentials, ...terms }),
  ),
});
type ConfigDocument = v.InferOutput<typeof document>;

/** The config in a parsed file, or the path of the first field that is missing or malformed (`kdf.salt`). */
export function readDocument(value: unknown): { config: LocalConfig } | { fault: string } {
  const parsed = v.safeParse(document, value, { abortEarly: true });
  if (!parsed.success) return { fault: faultyField(parsed.issues[0]) };
  const { format: _, floors = [], app, movedFrom, ...fields } = parsed.output;
  return {
    config: {
      ...fields,
      credentials: sealedOrAmbient(fields.credentials),
      kdf: kdfCost(fields.kdf),
      recipient: decodeCheckedBase64(fields.recipient),
      floors: new Map(floors.map(({ recipient: opener, ...floor }) => [opener, floor])),
      ...(app === undefined ? {} : { app: sealed(app) }),
      ...(movedFrom === undefined
        ? {}
        : { movedFrom: { ...movedFrom, credentials: sealedOrAmbient(movedFrom.credentials) } }),
    },
  };
}

/** The file's text. It contains the secret access key in clear text. */
export function writeDocument(config: LocalConfig): string {
  const fields: ConfigDocument = {
    format: CONFIG_FORMAT,
    repo: config.repo,
    env: config.env,
    endpoint: config.endpoint,
    region: config.region,
    bucket: config.bucket,
    prefix: config.prefix,
    credentials: exposedOrAmbient(config.credentials),
    ...presentTerms(config),
    vault: config.vault,
    kdf: { ...config.kdf, salt: encodeBase64(config.kdf.salt) },
    recipient: encodeBase64(config.recipient),
    seenGen: config.seenGen,
    ...(config.anchor === undefined ? {} : { anchor: config.anchor }),
    ...(config.floors === undefined || config.floors.size === 0
      ? {}
      : { floors: [...config.floors].map(([opener, floor]) => ({ recipient: opener, ...floor })) }),
    ...(config.roots === undefined || config.roots.length === 0 ? {} : { roots: config.roots.map(written) }),
    ...(config.protected ? { protected: true } : {}),
    ...(config.app === undefined ? {} : { app: exposed(config.app) }),
    ...(config.role === undefined ? {} : { role: config.role }),
    ...(config.movedFrom === undefined ? {} : { movedFrom: leftBehind(config.movedFrom) }),
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

function written({ folder, git, within, remote }: Root): v.InferOutput<typeof root> {
  return {
    folder,
    ...(git === undefined ? {} : { git, within: within ?? "" }),
    ...(remote === undefined ? {} : { remote }),
  };
}

function faultyField(issue: v.BaseIssue<unknown>): string {
  return v.getDotPath(issue) ?? "the document";
}

function kdfCost(given: v.InferOutput<typeof kdfFields>): KdfCost {
  return { ...given, salt: decodeBase64(given.salt) ?? new Uint8Array() };
}

function leftBehind({ env, endpoint: url, region, bucket, prefix: folder, credentials: key, ...more }: LeftPlace) {
  const credential = exposedOrAmbient(key);
  return { env, endpoint: url, region, bucket, prefix: folder, credentials: credential, ...presentTerms(more) };
}

function sealedOrAmbient(given: v.InferOutput<typeof credentials>): Credentials {
  return given === "ambient" ? given : sealed(given);
}

function exposedOrAmbient(given: Credentials): v.InferOutput<typeof credentials> {
  return given === "ambient" ? given : exposed(given);
}

function sealed({ accessKeyId, secretAccessKey, sessionToken }: v.InferOutput<typeof accessKey>): AccessKey {
  return {
    accessKeyId,
    secretAccessKey: Secret.ofText(secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: Secret.ofText(sessionToken) }),
  };
}

/** The key with its secrets as text. */
export function exposed({ accessKeyId, secretAccessKey, sessionToken }: AccessKey): v.InferOutput<typeof accessKey> {
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.exposeText(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.exposeText() }),
  };
}
