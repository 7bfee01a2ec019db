import { join } from "node:path";
import { InputError } from "../errors.ts";
import { checkLocation, type LocationOverrides } from "./checked-location.ts";
import { type CredentialFlags, newCredentials } from "./credentials.ts";
import { xdgFolder } from "./home-folder.ts";
import type { LocalConfig } from "./local-config.ts";
import type { SecretSources } from "./secret-input.ts";
import { fileEndpoint, isFileStore, type StoreLocation } from "./stores.ts";
import type { Target } from "./target.ts";

const EMBEDDED_BUCKET = "vaults";
const DEFAULT_REGION = "us-east-1";
/** Whatever the config says so far: these are meant for a bucket. A directory is named by its endpoint. */
const BUCKET_FLAGS = [
  "region",
  "bucket",
  "ambient",
  "access-key",
  "secret-key",
  "secret-key-file",
  "session-token",
  "session-token-file",
] as const;

export interface InitFlags extends LocationOverrides, CredentialFlags {
  readonly local?: boolean | undefined;
}

/** What a location is chosen by. */
interface Basis {
  readonly flags: InitFlags;
  readonly target: Target;
  readonly sources: SecretSources;
  /** The config that is there already, if it is of the kind of store that is being chosen. */
  readonly current: LocalConfig | null;
}

/**
 * Where a vault is to be: what the flags say, with the rest as the config has it; else what a person answers; else what the
 * config says; else the embedded store, a directory of this machine.
 *
 * @throws InputError a part is missing, or not of the right form
 */
export async function chooseLocation(
  flags: InitFlags,
  target: Target,
  current: LocalConfig | null,
  sources: SecretSources,
): Promise<StoreLocation> {
  if (flags.local) return embeddedLocation(target);
  const inDirectory = { flags, target, sources, current: current !== null && isFileStore(current) ? current : null };
  const inBucket = { flags, target, sources, current: current !== null && !isFileStore(current) ? current : null };
  switch (kindOf(flags, current)) {
    case "directory":
      return directoryLocation(inDirectory);
    case "bucket":
      return bucketLocation(inBucket, suggestedPart);
    default:
      if (!sources.prompter.isInteractive) return current ?? directoryLocation(inDirectory);
      return (await wantsBucket(inDirectory, inBucket))
        ? bucketLocation(inBucket, askedPart)
        : directoryLocation(inDirectory);
  }
}

function kindOf(flags: InitFlags, current: LocalConfig | null): "directory" | "bucket" | null {
  if (flags.endpoint !== undefined) return isFileStore({ endpoint: flags.endpoint }) ? "directory" : "bucket";
  if (BUCKET_FLAGS.some((name) => flags[name])) return "bucket";
  if (flags.prefix === undefined || current === null) return null;
  return isFileStore(current) ? "directory" : "bucket";
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

/** One part of a location that no flag gives. */
type Part = (question: string, suggestion: string | undefined, basis: Basis) => Promise<string>;

async function bucketLocation(basis: Basis, part: Part): Promise<StoreLocation> {
  const { flags, current, target, sources } = basis;
  const region = flags.region ?? (await part("Region:", current?.region ?? usualRegion(flags), basis));
  const endpoint = flags.endpoint ?? (await part("Endpoint:", keptEndpoint(current) ?? awsEndpoint(region), basis));
  const bucket = flags.bucket ?? (await part("Bucket:", current?.bucket, basis));
  const prefix = flags.prefix ?? (await part("Prefix:", current?.prefix ?? prefixOf(target), basis));
  const place = checkLocation({ endpoint, region, bucket, prefix, credentials: "ambient" });
  return { ...place, credentials: await newCredentials(flags, current, sources) };
}

const askedPart: Part = (question, suggestion, { sources }) => {
  const check = (answer: string) => (answer.trim() === "" ? "must not be empty" : null);
  const shown = suggestion === undefined ? {} : { default: suggestion };
  return sources.prompter.text({ message: question, check, ...shown }).then((answer) => answer.trim());
};

const suggestedPart: Part = async (question, suggestion, basis) => {
  if (suggestion !== undefined) return suggestion;
  if (basis.sources.prompter.isInteractive) return askedPart(question, suggestion, basis);
  throw new InputError("missing --bucket", { hint: "name the bucket, or give --local" });
};

/** AWS's own variables speak of AWS's own endpoints. */
function usualRegion({ endpoint }: InitFlags): string {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return (endpoint === undefined && (AWS_REGION || AWS_DEFAULT_REGION)) || DEFAULT_REGION;
}

/** The config's, unless it follows from the region. */
function keptEndpoint(current: LocalConfig | null): string | undefined {
  return current === null || current.endpoint === awsEndpoint(current.region) ? undefined : current.endpoint;
}

function awsEndpoint(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

function prefixOf({ repo, env }: Target): string {
  return `${repo}/${env}/`;
}

/** What is there now comes first. */
async function wantsBucket(inDirectory: Basis, inBucket: Basis): Promise<boolean> {
  const folder = inDirectory.current === null ? "" : ` (${inDirectory.current.endpoint}, as now)`;
  const bucket = inBucket.current === null ? "" : ` (${inBucket.current.bucket}, as now)`;
  const choices = [
    { name: `In a directory on this machine${folder}`, value: false },
    { name: `In an S3 bucket${bucket}`, value: true },
  ];
  const isInBucket = inBucket.current !== null;
  return inBucket.sources.prompter.choose("Where is the vault to live?", isInBucket ? choices.toReversed() : choices);
}
