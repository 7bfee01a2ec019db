import { endpointFault, prefixFault } from "../blob/prefix.ts";
import { InputError } from "../errors.ts";
import { isFileStore, type StoreLocation } from "./stores.ts";

/** What `LOCATION_FLAGS` were given. */
export interface LocationOverrides {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly bucket?: string | undefined;
  readonly prefix?: string | undefined;
}

/** A location with a command line's overrides. @throws InputError naming the flag that is not of the right form */
export function overriddenLocation(location: StoreLocation, overrides: LocationOverrides): StoreLocation {
  const given = <K extends keyof LocationOverrides>(name: K) => overrides[name] ?? location[name];
  return checkLocation({
    endpoint: given("endpoint"),
    region: given("region"),
    bucket: given("bucket"),
    prefix: given("prefix"),
    credentials: location.credentials,
  });
}

/** @throws InputError naming the flag that is not of the right form */
export function checkLocation(location: StoreLocation): StoreLocation {
  refuse("endpoint", endpointFault(location.endpoint) ?? userInfoFault(location.endpoint));
  refuse(
    "prefix",
    prefixFault(location.prefix) ?? (/\p{Cc}/u.test(location.prefix) ? "must not have control characters" : null),
  );
  refuse("bucket", location.bucket === "" ? "must not be empty" : null);
  refuse("region", location.region === "" ? "must not be empty" : null);
  return isFileStore(location) ? { ...location, region: "local", credentials: "ambient" } : location;
}

function refuse(flag: string, fault: string | null): void {
  if (fault !== null) throw new InputError(`--${flag} ${fault}`);
}

/** A URL can carry a password, and would then show it wherever it is shown. */
function userInfoFault(endpoint: string): string | null {
  const { username, password } = new URL(endpoint);
  return username === "" && password === "" ? null : "must not carry a user or password";
}
