import { AccessDeniedError, InputError, S3UnreachableError } from "../../errors.ts";
import { requireUsable } from "../../s3/wire/address.ts";
import { NoSuchBucketError, WrongRegionError } from "../../s3/wire/answers.ts";
import { awsEndpoint } from "../../s3/wire/aws.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { checkLocation, type LocationOverrides } from "../config/location.ts";
import { askKey, type CredentialFlags } from "../inputs/credentials.ts";
import type { SecretSources } from "../inputs/secret-input.ts";

/** Finds one part of a location that no flag gives. */
export type Part = (question: string, suggestion: string | undefined, basis: Asking) => Promise<string>;

interface Asking {
  readonly sources: SecretSources;
}

export const FOLDER = "Folder in the bucket:";

export const askedPart: Part = (question, suggestion, { sources }) => {
  const check = (answer: string) =>
    FAULTS[question]?.(answer.trim()) ?? (answer.trim() === "" ? "must not be empty" : null);
  const shown = suggestion === undefined ? {} : { default: suggestion };
  return sources.prompter.text({ message: question, check, ...shown }).then((answer) => answer.trim());
};

/** Why an answer cannot be used, so it is asked for again at once. */
const FAULTS: Readonly<Record<string, (answer: string) => string | null>> = {
  "Endpoint:": (endpoint) => partFault({ endpoint }),
  "Bucket:": (bucket) => partFault({ bucket }),
  "Region:": (region) => partFault({ region }),
  [FOLDER]: (prefix) => partFault({ prefix }),
};

function partFault(part: Partial<StoreLocation>): string | null {
  const good = { endpoint: "https://s3.example.com", bucket: "bucket", region: "region", prefix: "prefix/" } as const;
  try {
    requireUsable(checkLocation({ ...good, ...part, credentials: "ambient" }));
    return null;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message.replace(/^--\w+ /, "");
  }
}

export type LocationPart = "endpoint" | "bucket" | "region" | "credentials";

/** The part of the location that a failed request casts doubt on, or null. */
export function refusedPart(error: unknown): LocationPart | null {
  if (error instanceof NoSuchBucketError) return "bucket";
  if (error instanceof WrongRegionError) return "region";
  if (error instanceof AccessDeniedError) return "credentials";
  return error instanceof S3UnreachableError ? "endpoint" : null;
}

/** Whether a flag or the project file gives this part; then the user cannot have mistyped it here. */
export function isGiven(part: LocationPart, flags: LocationOverrides & CredentialFlags, isFiled: boolean): boolean {
  if (part !== "credentials") return isFiled || flags[part] !== undefined;
  return flags.ambient === true || flags["access-key"] !== undefined || Boolean(process.env["VSYNC_ACCESS_KEY"]);
}

/** Asks again for the part of the location that the store refused. */
export async function askedAgain(part: LocationPart, location: StoreLocation, basis: Asking): Promise<StoreLocation> {
  if (part === "credentials") return { ...location, credentials: await askKey(basis.sources) };
  const question = { endpoint: "Endpoint:", bucket: "Bucket:", region: "Region:" }[part];
  const answer = await askedPart(question, location[part], basis);
  const endpoint = part === "region" && isOnAws(location) ? awsEndpoint(answer) : location.endpoint;
  return { ...location, ...checkLocation({ ...location, endpoint, [part]: answer }) };
}

export const suggestedPart: Part = async (question, suggestion, basis) => {
  if (suggestion !== undefined) return suggestion;
  if (basis.sources.prompter.isInteractive) return askedPart(question, suggestion, basis);
  throw new InputError("missing --bucket", { hint: "name the bucket, or give --local" });
};

export function isOnAws(config: Pick<StoreLocation, "endpoint" | "region"> | null): boolean {
  return config !== null && config.endpoint === awsEndpoint(config.region);
}
