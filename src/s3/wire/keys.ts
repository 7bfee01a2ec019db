import { AccessDeniedError, S3UnreachableError } from "../../errors.ts";
import type { FindKeys, S3Credentials, S3Location, S3Options } from "./options.ts";
import { untilAborted } from "./time-limit.ts";

/** The keys that sign one request. */
export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** There are no credentials to sign with, so vsync sent nothing and the store is not to blame. */
export class CredentialsError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }

  /** The error for the store's caller. */
  toStoreError(action: string): AccessDeniedError | S3UnreachableError {
    return new AccessDeniedError(`cannot ${action}: ${this.message}`, { hint: this.hint });
  }
}

/** The source of the credentials did not respond. As with a silent store, a later try may succeed. */
export class SilentSourceError extends CredentialsError {
  override toStoreError(action: string): S3UnreachableError {
    return new S3UnreachableError(`cannot ${action}: ${this.message}`, { hint: this.hint });
  }
}

/** Finds the keys for one request. The signal ends the wait, but not a search that other requests also wait for. */
export type PrepareKeys = (signal: AbortSignal) => Promise<Keys>;

export function preparesKeys({ credentials, region }: S3Location, { ambient }: S3Options): PrepareKeys {
  if (credentials !== "ambient") return async () => usable(credentials);
  if (ambient === undefined) throw new TypeError("the credentials are ambient, and no option finds them");
  return async (signal) => usable(await inTime(signal, () => ambient(region, signal)));
}

async function inTime(signal: AbortSignal, find: () => ReturnType<FindKeys>): Promise<S3Credentials> {
  try {
    return await untilAborted(signal, find);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new SilentSourceError("the ambient credentials did not arrive in time", "check where they come from");
  }
}

const NAMES = {
  accessKeyId: "the access key id",
  secretAccessKey: "the secret access key",
  sessionToken: "the session token",
} as const;

/**
 * A badly copied key cannot go into a header, or would look like a wrong key.
 *
 * @throws CredentialsError naming the field
 */
function usable({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials): Keys {
  const keys: Keys = {
    accessKeyId,
    secretAccessKey: secretAccessKey.exposeText(),
    ...(sessionToken && { sessionToken: sessionToken.exposeText() }),
  };
  for (const field of ["accessKeyId", "secretAccessKey", "sessionToken"] as const) {
    const fault = keyFault(keys[field]);
    if (fault !== null) throw new CredentialsError(`${NAMES[field]} ${fault}`, "copy it again, as one line");
  }
  return keys;
}

function keyFault(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (text === "") return "is empty";
  if (/[\r\n]/.test(text)) return "contains a line end";
  if (/\s/.test(text)) return "contains a space";
  return /^[\x21-\x7e]+$/.test(text) ? null : "has a character that keys do not have";
}
