import { InputError } from "../../errors.ts";
import { requireUsable } from "../../s3/wire/address.ts";
import { isAwsHost, partitionOf } from "../../s3/wire/aws.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { isTokenId } from "../../tokens/credential-form.ts";
import { USAGE_PREFIX } from "../../usage/prefix.ts";
import { AUDIT_PREFIX, BUNDLE_PREFIX, MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import { findConfig, type Warn } from "../config/local-config.ts";
import { type LocationOverrides, overriddenLocation } from "../config/location.ts";
import type { TargetInput } from "../config/target.ts";
import { configHere } from "../project/config-here.ts";
import { resolveTarget } from "../project/which-vault.ts";

/** Apps are readers, and also meters if they report usage. People and pipelines, which write too, are operators. */
export const ROLES = ["reader", "operator", "meter"] as const;
export type Role = (typeof ROLES)[number];

/** The part of a location that appears in a policy. */
export interface PolicyScope extends Pick<StoreLocation, "endpoint" | "region" | "bucket" | "prefix"> {
  /** The id of the token whose usage a meter writes. */
  readonly token?: string | undefined;
  /** The ARN of the customer-managed KMS key that encrypts the bucket. */
  readonly kmsKey?: string | undefined;
}

/** A statement of an IAM policy. A bucket policy also needs a Principal. */
export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export interface Policy {
  /** The version of the policy language that has variables. */
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

const BUNDLES = `${BUNDLE_PREFIX}*`;
const AUDIT_ROWS = `${AUDIT_PREFIX}*`;
const USAGE = `${USAGE_PREFIX}*`;
/** Objects that the test of a bucket writes and removes. */
const PROBES = "probe-*";

/** The least permissions that a role needs. */
export function policyOf(role: Role, scope: PolicyScope): Policy {
  return { Version: "2012-10-17", Statement: [...STATEMENTS[role](scope), ...kmsStatements(role, scope)] };
}

const STATEMENTS: Readonly<Record<Role, (scope: PolicyScope) => readonly PolicyStatement[]>> = {
  reader: (scope) => [readerStatement(scope)],
  operator: operatorStatements,
  meter: (scope) => [meterStatement(scope)],
};

/** Lets one token create new usage objects; its holder can neither read usage nor replace objects. */
function meterStatement(scope: PolicyScope): PolicyStatement {
  const statement = allow("VsyncMeter", ["s3:PutObject"], objects(scope, [`${USAGE_PREFIX}${scope.token ?? ""}/*`]));
  // Stores other than AWS may refuse a policy with a condition that they do not know.
  if (!isAwsHost(new URL(scope.endpoint).hostname)) return statement;
  return { ...statement, Condition: { Null: { "s3:if-none-match": ["false"] } } };
}

export function readerStatement(scope: PolicyScope): PolicyStatement {
  return allow("VsyncRead", ["s3:GetObject"], objects(scope, [MANIFEST_KEY, BUNDLES]));
}

/**
 * An operator may not delete the manifest or an audit row. `gc` and the test of the bucket need the other deletions.
 */
function operatorStatements(scope: PolicyScope): readonly PolicyStatement[] {
  const all = [MANIFEST_KEY, BUNDLES, AUDIT_ROWS, USAGE, PROBES];
  return [
    allow("VsyncReadAndWrite", ["s3:GetObject", "s3:PutObject"], objects(scope, all)),
    allow("VsyncRemove", ["s3:DeleteObject"], objects(scope, [BUNDLES, USAGE, PROBES])),
    {
      // Without the right to list, S3 answers 403 instead of 404 for a missing key, and the first push would fail.
      ...allow("VsyncList", ["s3:ListBucket"], [`arn:${partitionOf(scope.region)}:s3:::${literal(scope.bucket)}`]),
      Condition: { StringLike: { "s3:prefix": [`${literal(scope.prefix)}*`] } },
    },
  ];
}

function kmsStatements(role: Role, { kmsKey }: PolicyScope): readonly PolicyStatement[] {
  if (kmsKey === undefined) return [];
  return [allow("VsyncKey", KMS_ACTIONS[role], [kmsKey])];
}

const KMS_ACTIONS: Readonly<Record<Role, readonly string[]>> = {
  reader: ["kms:Decrypt"],
  operator: ["kms:Decrypt", "kms:GenerateDataKey"],
  meter: ["kms:GenerateDataKey"],
};

function allow(sid: string, actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return { Sid: sid, Effect: "Allow", Action: actions, Resource: resources };
}

function objects(scope: PolicyScope, keys: readonly string[]): readonly string[] {
  const arn = `arn:${partitionOf(scope.region)}:s3:::${literal(scope.bucket)}/${literal(scope.prefix)}`;
  return keys.map((key) => arn + key);
}

/**
 * In IAM, `*` and `?` are wildcards and `${…}` is a variable. `${*}`, `${?}` and `${$}` stand for the characters
 * themselves.
 */
function literal(text: string): string {
  return text.replace(/[*?$]/g, (character) => `\${${character}}`);
}

export interface PolicyInput extends TargetInput {
  readonly flags: TargetInput["flags"] &
    LocationOverrides & {
      readonly "kms-key"?: string | undefined;
      readonly role: Role;
      readonly token?: string | undefined;
    };
}

/**
 * The scope from the config, with the flags applied. Without a config the flags are enough, because `init` itself needs
 * these permissions.
 *
 * @throws LocalConfigMissingError there is no config, and no bucket was given
 * @throws InputError the vault is in a directory, or the bucket cannot hold a vault
 */
export async function policyScope(input: PolicyInput, warn: Warn): Promise<PolicyScope> {
  const { flags } = input;
  requireTokenOf(flags);
  const use = { use: "values" } as const;
  const target = await resolveTarget(input, warn, use);
  const config = flags.bucket === undefined ? await configHere(target, use, warn) : await findConfig(target, warn);
  const known = config ?? {
    endpoint: "https://s3.us-east-1.amazonaws.com",
    region: "us-east-1",
    bucket: flags.bucket ?? "",
    prefix: `${target.repo}/${target.env}/`,
    credentials: "ambient" as const,
  };
  const location = overriddenLocation(known, flags);
  if (isDirectoryStore(location)) {
    throw new InputError("a vault in a directory has no policy: the folders' modes say who may read and write it", {
      hint: "name a bucket with --bucket and --endpoint",
    });
  }
  requireUsable(location);
  refuseAlias(location);
  const kmsKey = kmsKeyIn(flags["kms-key"]) ?? keyOfConfig(location);
  return { ...location, kmsKey, token: flags.token };
}

/** IAM knows an access point only by its ARN, which follows neither from its alias nor from a config. */
function refuseAlias({ bucket, endpoint }: StoreLocation): void {
  if (!bucket.endsWith("-s3alias") || !isAwsHost(new URL(endpoint).hostname)) return;
  throw new InputError(`${bucket} is the alias of an access point, which a policy cannot name`, {
    hint: "name the bucket behind it with --bucket=<name>, and let that bucket's policy delegate to its access points",
  });
}

function requireTokenOf({ role, token }: PolicyInput["flags"]): void {
  if (role === "meter" ? token !== undefined && isTokenId(token) : token === undefined) return;
  if (role !== "meter") {
    throw new InputError(`--token is for the role meter, not for ${role}`, { hint: "leave it out" });
  }
  throw new InputError(token === undefined ? "missing --token" : `${JSON.stringify(token)} is not a token's id`, {
    hint: "give the id of the token that reports usage, tok_…: `vsync tokens list` shows it",
  });
}

const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/;

/**
 * The key that objects are written with. Outside AWS it has no ARN, and AWS's own key (`alias/aws/s3`) needs no
 * statement.
 */
function keyOfConfig({ kmsKey, endpoint }: StoreLocation): string | undefined {
  if (kmsKey === undefined || KEY_ARN.test(kmsKey)) return kmsKey;
  if (!isAwsHost(new URL(endpoint).hostname) || /(^|:)alias\/aws\/s3$/.test(kmsKey)) return undefined;
  throw new InputError(`the config names the KMS key ${kmsKey}, and a policy needs its ARN`, {
    hint: "name it with --kms-key=arn:aws:kms:<region>:<account>:key/<id>",
  });
}

function kmsKeyIn(arn: string | undefined): string | undefined {
  if (arn === undefined || KEY_ARN.test(arn)) return arn;
  throw new InputError("--kms-key is not the ARN of a key", {
    hint: "as in arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab; an alias does not work here",
  });
}
