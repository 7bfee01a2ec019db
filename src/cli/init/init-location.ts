import { join } from "node:path";
import { fileEndpoint } from "../../directory/location.ts";
import { InputError } from "../../errors.ts";
import { awsEndpoint, partitionOf } from "../../s3/wire/aws.ts";
import { type Credentials, presentTerms, type StoreLocation } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { type AwsSetup, readAwsSetup } from "../config/aws-setup.ts";
import type { LocalConfig } from "../config/local-config.ts";
import {
  checkLocation,
  givenTerms,
  type LocationOverrides,
  shownEndpoint,
  type TermsFlags,
  termsThere,
} from "../config/location.ts";
import { xdgFolder } from "../config/paths.ts";
import type { Target } from "../config/target.ts";
import { type CredentialFlags, newCredentials } from "../inputs/credentials.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type FilePlace, isAt, placeInFile } from "../project/project-place.ts";
import type { Which } from "../project/which-vault.ts";
import { agreeOnPlace } from "./agree.ts";
import { askedPart, FOLDER, isOnAws, type Part, suggestedPart } from "./location-parts.ts";
import { targetAt, vaultsIn } from "./vaults-in-bucket.ts";

const EMBEDDED_BUCKET = "vaults";
const DEFAULT_REGION = "us-east-1";
/** These flags mean a bucket, even if the config names a directory. `--endpoint=file:///…` means a directory. */
const BUCKET_FLAGS = [
  "region",
  "bucket",
  "kms-key",
  "requester-pays",
  "ambient",
  "access-key",
  "secret-key",
  "secret-key-file",
  "session-token",
  "session-token-file",
] as const;

/** A location, and its vault if the user chose one of those in the bucket. */
export interface ChosenLocation extends StoreLocation {
  readonly joins?: Pick<Target, "repo" | "env">;
}

export interface InitFlags extends LocationOverrides, TermsFlags, CredentialFlags {
  readonly local?: boolean | undefined;
  readonly retarget?: boolean;
}

interface Basis {
  readonly flags: InitFlags;
  readonly target: Which;
  readonly sources: SecretSources;
  /** The current config if its store is of the kind being chosen; else null. */
  readonly current: LocalConfig | null;
  /** This machine's AWS configuration, for suggestions at a prompt. */
  readonly aws?: AwsSetup;
}

/**
 * Where the vault is or will be. If the project file names a store, it decides. Otherwise the flags do, and the config
 * fills in the rest. Without flags the user is asked; without a terminal the config stands, or else the embedded store,
 * a directory on this machine.
 *
 * @throws InputError a part is missing or malformed
 * @throws what `agreeOnPlace` throws
 */
export async function chooseLocation(
  flags: InitFlags,
  target: Which,
  current: LocalConfig | null,
  sources: SecretSources,
  visited: Visited = new Map(),
): Promise<ChosenLocation> {
  const filed = placeInFile(target);
  if (filed !== null) return locationInFile(filed, flags, { target, current, visited }, sources);
  if (flags.local) return embeddedLocation(target);
  const inDirectory = {
    flags,
    target,
    sources,
    current: current !== null && isDirectoryStore(current) ? current : null,
  };
  const inBucket = { flags, target, sources, current: current !== null && !isDirectoryStore(current) ? current : null };
  switch (kindOf(flags, current)) {
    case "directory":
      return directoryLocation(inDirectory);
    case "bucket":
      return bucketLocation(inBucket, suggestedPart);
    default:
      if (!sources.prompter.isInteractive) return current ?? directoryLocation(inDirectory);
      return askedLocation(inDirectory, inBucket);
  }
}

/**
 * The buckets that the user has agreed to for other envs of the project, with the credentials for each: see `bucketOf`.
 */
export type Visited = ReadonlyMap<string, Credentials>;

export const bucketOf = ({ endpoint, bucket }: Pick<StoreLocation, "endpoint" | "bucket">): string =>
  `${endpoint} ${bucket}`;

async function locationInFile(
  filed: FilePlace,
  flags: InitFlags,
  known: { readonly target: Which; readonly current: LocalConfig | null; readonly visited: Visited },
  sources: SecretSources,
): Promise<StoreLocation> {
  const { path, place } = filed;
  if (flags.local) {
    const hint = "change the file, or name another repository with --repo=<name>";
    throw new InputError(`--local is not what ${path} says (bucket ${place.bucket})`, { hint });
  }
  const given = known.visited.get(bucketOf(place));
  await agreeOnPlace(filed, flags, { ...known, isAgreed: given !== undefined }, sources);
  const kept = isAt(known.current, place) ? known.current : null;
  const aws = sources.prompter.isInteractive ? await readAwsSetup(process.env) : undefined;
  const terms = givenTerms(flags) ?? { ...termsThere(known.current, place), ...presentTerms(place) };
  return { ...place, ...terms, credentials: given ?? (await newCredentials(flags, kept, sources, aws)) };
}

function kindOf(flags: InitFlags, current: LocalConfig | null): "directory" | "bucket" | null {
  if (flags.endpoint !== undefined) return isDirectoryStore({ endpoint: flags.endpoint }) ? "directory" : "bucket";
  if (BUCKET_FLAGS.some((name) => flags[name])) return "bucket";
  if (flags.prefix === undefined || current === null) return null;
  return isDirectoryStore(current) ? "directory" : "bucket";
}

type Place = "directory" | "aws" | "other";

async function askedLocation(inDirectory: Basis, inBucket: Basis): Promise<ChosenLocation> {
  const place = await choosePlace(inDirectory, inBucket);
  switch (place) {
    case "directory":
      return directoryLocation(inDirectory);
    case "aws": {
      const current = isOnAws(inBucket.current) ? inBucket.current : null;
      return bucketLocation({ ...inBucket, current, aws: await readAwsSetup(process.env) }, askedPart);
    }
    case "other": {
      const endpoint = await askedPart("Endpoint:", keptEndpoint(inBucket.current) ?? undefined, inBucket);
      return bucketLocation({ ...inBucket, flags: { ...inBucket.flags, endpoint } }, askedPart);
    }
    default:
      return place satisfies never;
  }
}

/** Asks for the place. The current one comes first. */
async function choosePlace(inDirectory: Basis, inBucket: Basis): Promise<Place> {
  const now: Place =
    inDirectory.current !== null || inBucket.current === null ? "directory" : placeOf(inBucket.current);
  const remark = (place: Place, config: LocalConfig | null): string => {
    if (config === null || place !== now) return "";
    return ` (${isDirectoryStore(config) ? config.endpoint : config.bucket}, as now)`;
  };
  const choices = [
    { name: `In a directory on this machine${remark("directory", inDirectory.current)}`, value: "directory" as const },
    { name: `In an AWS S3 bucket${remark("aws", inBucket.current)}`, value: "aws" as const },
    {
      name: `In another S3 store, such as R2, MinIO or Ceph${remark("other", inBucket.current)}`,
      value: "other" as const,
    },
  ];
  const ordered = choices.toSorted((a, b) => Number(b.value === now) - Number(a.value === now));
  return inBucket.sources.prompter.choose("Where should the vault live?", ordered);
}

function placeOf(config: LocalConfig): Place {
  return isOnAws(config) ? "aws" : "other";
}

/** `${XDG_DATA_HOME:-~/.local/share}/vsync` */
function embeddedLocation(target: Target): StoreLocation {
  const folder = join(xdgFolder("XDG_DATA_HOME", [".local", "share"]), "vsync");
  return directoryAt(fileEndpoint(folder), EMBEDDED_BUCKET, prefixOf(target));
}

function directoryLocation({ flags, target, current }: Basis): StoreLocation {
  const known = current ?? embeddedLocation(target);
  const bucket = flags.bucket ?? (flags.endpoint === undefined ? known.bucket : EMBEDDED_BUCKET);
  return directoryAt(flags.endpoint ?? known.endpoint, bucket, flags.prefix ?? known.prefix);
}

function directoryAt(endpoint: string, bucket: string, prefix: string): StoreLocation {
  return checkLocation({ endpoint, region: "local", bucket, prefix, credentials: "ambient" });
}

async function bucketLocation(basis: Basis, part: Part): Promise<ChosenLocation> {
  const { flags, current, target, sources } = basis;
  const bucket = flags.bucket ?? (await part("Bucket:", current?.bucket, basis));
  const region = flags.region ?? (await part("Region:", current?.region ?? usualRegion(basis), basis));
  const endpoint = flags.endpoint ?? keptEndpoint(current) ?? usualEndpoint(region);
  const prefix = flags.prefix ?? current?.prefix ?? prefixOf(target);
  const place = checkLocation({ endpoint, region, bucket, prefix, credentials: "ambient" });
  if (place.endpoint !== flags.endpoint && place.endpoint === namedEndpoint()) {
    sources.output.say(`the environment names the endpoint: ${shownEndpoint(place.endpoint)}`);
  }
  const terms = givenTerms(flags) ?? termsThere(current, place);
  const credentials = await newCredentials(flags, atSameService(current, place), sources, basis.aws);
  const location = { ...place, ...terms, credentials };
  return flags.prefix === undefined ? inFolder(location, basis, part) : location;
}

/**
 * Adds the vault's folder. A user who named no vault may not know where their team keeps it, and chooses from those
 * that the key finds.
 */
async function inFolder(location: StoreLocation, basis: Basis, part: Part): Promise<ChosenLocation> {
  const { current, target, sources } = basis;
  const usual = location.prefix;
  const at = (prefix: string): StoreLocation => checkLocation({ ...location, prefix });
  const isNamed = current !== null || !sources.prompter.isInteractive || (part === suggestedPart && target.isEnvTyped);
  if (isNamed) return at(await part(FOLDER, usual, basis));
  const found = await vaultsIn(location);
  if (found === null) return at(await askedPart(FOLDER, usual, basis));
  if (found.length === 0) return at(await part(FOLDER, usual, basis));
  const near = found.toSorted((a, b) => Number(b === usual) - Number(a === usual));
  const prefix = await sources.prompter.choose("Join a vault of this bucket, or make one?", [
    ...near.map((it) => ({ name: `Join ${it}`, value: it })),
    ...(found.includes(usual) ? [] : [{ name: `Make one at ${usual}`, value: usual }]),
    { name: "Another folder", value: null },
  ]);
  if (prefix === null) return at(await askedPart(FOLDER, usual, basis));
  const joins = found.includes(prefix) ? targetAt(prefix) : null;
  return joins === null ? at(prefix) : { ...at(prefix), joins };
}

/** The config, if its credentials are for this service; they must not be sent to another one. */
function atSameService(current: LocalConfig | null, { endpoint, region }: StoreLocation): LocalConfig | null {
  if (current === null || current.endpoint === endpoint) return current;
  const isOtherRegion = isOnAws(current) && endpoint === awsEndpoint(region);
  return isOtherRegion && partitionOf(region) === partitionOf(current.region) ? current : null;
}

/** The endpoint that AWS's own tools would use: their variables may name another one, or a variant of the region's. */
function usualEndpoint(region: string): string {
  const { AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT } = process.env;
  return (
    namedEndpoint() ??
    awsEndpoint(region, { fips: AWS_USE_FIPS_ENDPOINT === "true", dualStack: AWS_USE_DUALSTACK_ENDPOINT === "true" })
  );
}

function namedEndpoint(): string | undefined {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS } = process.env;
  if (AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === "true") return undefined;
  return (AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL)?.replace(/(?<=[^/])\/+$/, "") || undefined;
}

/** AWS's variables and files name an AWS region, so other endpoints ignore them. */
function usualRegion({ flags, aws }: Basis): string {
  if (flags.endpoint !== undefined) return DEFAULT_REGION;
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return aws?.region || AWS_REGION || AWS_DEFAULT_REGION || DEFAULT_REGION;
}

/** The config's endpoint, or undefined if it follows from the region. */
function keptEndpoint(current: LocalConfig | null): string | undefined {
  return current === null || current.endpoint === awsEndpoint(current.region) ? undefined : current.endpoint;
}

function prefixOf({ repo, env }: Target): string {
  return `${repo}/${env}/`;
}
