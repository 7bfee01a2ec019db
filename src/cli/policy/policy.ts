import { InputError } from "../../errors.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { AUDIT_PREFIX, BUNDLE_PREFIX, MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import { findConfig, loadConfig, type Warn } from "../config/local-config.ts";
import { type LocationOverrides, overriddenLocation } from "../config/location.ts";
import { resolveTarget, type TargetInput } from "../config/target.ts";

/** Who a policy is for: apps, which read, or people and pipelines, which also write. */
export const ROLES = ["reader", "operator"] as const;
export type Role = (typeof ROLES)[number];

/** Which vault a policy is for. */
export interface PolicyScope {
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string;
}

/** A statement of an IAM policy. For a bucket policy it lacks the principal only. */
export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export interface Policy {
  /** The version of the policy language that knows variables. */
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

const BUNDLES = `${BUNDLE_PREFIX}*`;
const AUDIT_ROWS = `${AUDIT_PREFIX}*`;
/** What the proof of a bucket writes, and removes again. */
const PROBES = "probe-*";

/** The least that a role needs. */
export function policyOf(role: Role, scope: PolicyScope): Policy {
  const statements = role === "reader" ? [readerStatement(scope)] : operatorStatements(scope);
  return { Version: "2012-10-17", Statement: statements };
}

export function readerStatement(scope: PolicyScope): PolicyStatement {
  return allow("VsyncRead", ["s3:GetObject"], objects(scope, [MANIFEST_KEY, BUNDLES]));
}

/** Nothing lets an operator delete the manifest or an audit row; `gc` and the proof of the bucket need the rest. */
function operatorStatements(scope: PolicyScope): readonly PolicyStatement[] {
  const all = [MANIFEST_KEY, BUNDLES, AUDIT_ROWS, PROBES];
  return [
    allow("VsyncReadAndWrite", ["s3:GetObject", "s3:PutObject"], objects(scope, all)),
    allow("VsyncRemove", ["s3:DeleteObject"], objects(scope, [BUNDLES, PROBES])),
    {
      // who may list is told 404, not 403, of what is not there: without it nobody could make the first push
      ...allow("VsyncList", ["s3:ListBucket"], [`arn:${partitionOf(scope)}:s3:::${literal(scope.bucket)}`]),
      Condition: { StringLike: { "s3:prefix": [`${literal(scope.prefix)}*`] } },
    },
  ];
}

function allow(sid: string, actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return { Sid: sid, Effect: "Allow", Action: actions, Resource: resources };
}

function objects(scope: PolicyScope, keys: readonly string[]): readonly string[] {
  const arn = `arn:${partitionOf(scope)}:s3:::${literal(scope.bucket)}/${literal(scope.prefix)}`;
  return keys.map((key) => arn + key);
}

function partitionOf({ region }: PolicyScope): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** IAM takes `*` and `?` for wildcards and `${…}` for a variable; these variables stand for the characters themselves. */
function literal(text: string): string {
  return text.replace(/[*?$]/g, (character) => `\${${character}}`);
}

export interface PolicyInput extends TargetInput {
  readonly flags: TargetInput["flags"] & LocationOverrides;
}

/**
 * The vault that a policy is for: the config's, with the flags' overrides. Before there is a config the flags suffice, for
 * `init` itself needs what the policy allows.
 *
 * @throws LocalConfigMissingError there is no config, and no bucket was given
 * @throws InputError the vault is in a directory
 */
export async function policyScope(input: PolicyInput, warn: Warn): Promise<PolicyScope> {
  const { flags } = input;
  const target = await resolveTarget(input);
  const config = flags.bucket === undefined ? await loadConfig(target, warn) : await findConfig(target, warn);
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
  return location;
}
