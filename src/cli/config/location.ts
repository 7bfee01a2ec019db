import { endpointFault, kmsKeyFault, prefixFault } from "../../blob/location.ts";
import { InputError } from "../../errors.ts";
import { type StoreLocation, termsOf } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import type { Given, LOCATION_FLAGS, TERMS_FLAGS } from "../command/flags.ts";

export type LocationOverrides = Given<typeof LOCATION_FLAGS>;
export type TermsFlags = Given<typeof TERMS_FLAGS>;

/**
 * A bucket's terms, if any flag is given. The flags then replace all three.
 *
 * @throws InputError a value cannot be used
 */
export function givenTerms(flags: TermsFlags): ReturnType<typeof termsOf> | undefined {
  const { "kms-key": key, "bucket-key": bucketKey, "requester-pays": requesterPays } = flags;
  if (key === undefined && !requesterPays) return undefined;
  const kmsKey = key === "" ? undefined : key;
  if (kmsKey !== undefined) refuse("kms-key", kmsKeyFault(kmsKey));
  return termsOf({
    kmsKey,
    bucketKey: bucketKey && kmsKey !== undefined ? true : undefined,
    requesterPays: requesterPays ? true : undefined,
  });
}

/** The known terms, if they are for the same bucket. */
export function termsThere(known: StoreLocation | null, place: Pick<StoreLocation, "endpoint" | "bucket">) {
  return termsOf(known?.endpoint === place.endpoint && known.bucket === place.bucket ? known : {});
}

/**
 * A location with the command line's flags applied.
 *
 * @throws InputError as `checkLocation`
 */
export function overriddenLocation(location: StoreLocation, overrides: LocationOverrides): StoreLocation {
  const { endpoint = location.endpoint, bucket = location.bucket } = overrides;
  const { region = location.region, prefix = location.prefix } = overrides;
  const place = { endpoint: endpoint.replace(/(?<=[^/])\/+$/, ""), bucket };
  const { credentials } = location;
  return checkLocation({ ...place, region, prefix, credentials, ...termsThere(location, place) });
}

/**
 * The location in the form that a config stores.
 *
 * @throws InputError naming the flag whose value cannot be used
 */
export function checkLocation(given: StoreLocation): StoreLocation {
  const location = { ...given, endpoint: given.endpoint.replace(/(?<=[^/])\/+$/, "") };
  const { endpoint, prefix, bucket, region } = location;
  refuse("endpoint", controlFault(endpoint) ?? endpointFault(endpoint) ?? urlFault(endpoint));
  refuse("prefix", controlFault(prefix) ?? prefixFault(prefix));
  // `requireUsable` refuses an ARN in better words than those about its slashes.
  if (!bucket.startsWith("arn:")) refuse("bucket", nameFault(bucket));
  refuse("region", nameFault(region));
  return isDirectoryStore(location) ? { ...location, region: "local", credentials: "ambient" } : location;
}

const HINTS = {
  endpoint: "as in https://s3.eu-central-1.amazonaws.com or file:///srv/vaults",
  prefix: "as in api/prod/",
  bucket: "give the bucket's own name, as in acme-secrets; --prefix is for a folder in it",
  region: "as in eu-central-1",
  "kms-key": "as in arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
} as const;

function refuse(flag: keyof typeof HINTS, fault: string | null): void {
  if (fault !== null) throw new InputError(`--${flag} ${fault}`, { hint: HINTS[flag] });
}

function controlFault(text: string): string | null {
  return /[\0-\x1f\x7f-\x9f]/.test(text) ? "must not have control characters" : null;
}

function nameFault(name: string): string | null {
  if (name === "") return "must not be empty";
  return name.includes("/") ? "must not have a slash" : controlFault(name);
}

/** A URL can contain a password, which status, errors and tokens would then show. */
function urlFault(endpoint: string): string | null {
  const { username, password } = new URL(endpoint);
  if (username !== "" || password !== "") return "must not carry a user or password";
  return /[?#]/.test(endpoint) ? "must not have a query or fragment" : null;
}

/** An endpoint for people. A config or token from elsewhere may contain a password in it, which this masks. */
export function shownEndpoint(endpoint: string): string {
  if (!URL.canParse(endpoint)) return "[not a URL]";
  const { username, password } = new URL(endpoint);
  return username === "" && password === "" ? endpoint : endpoint.replace(/^([a-z]+:\/\/)[^/]*@/, "$1[secret]@");
}
