import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { InputError } from "../errors.ts";
import { checkLocation, type LocationOverrides } from "./checked-location.ts";
import { type CredentialFlags, newCredentials } from "./credentials.ts";
import type { LocalConfig } from "./local-config.ts";
import type { SecretSources } from "./secret-input.ts";
import { fileEndpoint, isFileStore, type StoreLocation } from "./stores.ts";
import type { Target } from "./target.ts";

const EMBEDDED_BUCKET = "vaults";
const DEFAULT_REGION = "us-east-1";

export interface InitFlags extends LocationOverrides, CredentialFlags {
  readonly local?: boolean | undefined;
}

/**
 * Where a vault is to be: what the flags say, else what the config says already, else what a person answers, else the
 * embedded store, a directory of this machine.
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
  if (namesAStore(flags)) return flaggedLocation(flags, target, current, sources);
  if (sources.prompter.isInteractive) return askLocation(target, current, sources);
  return current ?? embeddedLocation(target);
}

function namesAStore({ endpoint, region, bucket, prefix }: InitFlags): boolean {
  return [endpoint, region, bucket, prefix].some((part) => part !== undefined);
}

/** `${XDG_DATA_HOME:-~/.local/share}/vsync`. A relative XDG_DATA_HOME is to be ignored, says its specification. */
function embeddedLocation(target: Target): StoreLocation {
  const given = process.env["XDG_DATA_HOME"];
  const folder = join(given && isAbsolute(given) ? given : join(homedir(), ".local", "share"), "vsync");
  return directoryLocation(fileEndpoint(folder), EMBEDDED_BUCKET, prefixOf(target));
}

function directoryLocation(endpoint: string, bucket: string, prefix: string): StoreLocation {
  return checkLocation({ endpoint, region: "local", bucket, prefix, credentials: "ambient" });
}

function prefixOf({ repo, env }: Target): string {
  return `${repo}/${env}/`;
}

async function flaggedLocation(
  flags: InitFlags,
  target: Target,
  current: LocalConfig | null,
  sources: SecretSources,
): Promise<StoreLocation> {
  const prefix = flags.prefix ?? current?.prefix ?? prefixOf(target);
  const endpoint = flags.endpoint ?? keptEndpoint(flags, current);
  if (endpoint !== undefined && isFileStore({ endpoint })) {
    return directoryLocation(endpoint, flags.bucket ?? current?.bucket ?? EMBEDDED_BUCKET, prefix);
  }
  const bucket = flags.bucket ?? current?.bucket;
  if (bucket === undefined) throw new InputError("missing --bucket", { hint: "name the bucket, or give --local" });
  const region = flags.region ?? current?.region ?? DEFAULT_REGION;
  const place = checkLocation({
    endpoint: endpoint ?? awsEndpoint(region),
    region,
    bucket,
    prefix,
    credentials: "ambient",
  });
  return { ...place, credentials: await newCredentials(flags, current, sources) };
}

/** The config's endpoint, unless another region was given for a bucket of AWS. */
function keptEndpoint(flags: InitFlags, current: LocalConfig | null): string | undefined {
  if (current === null) return undefined;
  return flags.region !== undefined && current.endpoint === awsEndpoint(current.region) ? undefined : current.endpoint;
}

function awsEndpoint(region: string): string {
  return `https://s3.${region}.amazonaws.com`;
}

async function askLocation(
  target: Target,
  current: LocalConfig | null,
  sources: SecretSources,
): Promise<StoreLocation> {
  const { prompter } = sources;
  const choices = [
    ...(current === null ? [] : [{ name: `Where it is now: ${current.endpoint}`, value: "current" as const }]),
    { name: "In a directory on this machine", value: "local" as const },
    { name: "In an S3 bucket", value: "s3" as const },
  ];
  const choice = await prompter.choose("Where is the vault to live?", choices);
  if (choice === "current" && current !== null) return current;
  if (choice === "local") return embeddedLocation(target);
  const known = current !== null && !isFileStore(current) ? current : null;
  const region = await askText(sources, "Region:", known?.region ?? process.env["AWS_REGION"] ?? DEFAULT_REGION);
  const endpoint = await askText(sources, "Endpoint:", known?.endpoint ?? awsEndpoint(region));
  const bucket = await askText(sources, "Bucket:", known?.bucket);
  const prefix = await askText(sources, "Prefix:", known?.prefix ?? prefixOf(target));
  const place = checkLocation({ endpoint, region, bucket, prefix, credentials: "ambient" });
  return { ...place, credentials: await newCredentials({}, known, sources) };
}

function askText({ prompter }: SecretSources, message: string, suggested?: string): Promise<string> {
  const check = (answer: string) => (answer.trim() === "" ? "must not be empty" : null);
  return prompter.text({ message, check, ...(suggested === undefined ? {} : { default: suggested }) });
}
