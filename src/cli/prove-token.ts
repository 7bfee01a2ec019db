import { AccessDeniedError } from "../errors.ts";
import { MANIFEST_KEY } from "../vault/keys.ts";
import { openStore, type StoreLocation } from "./stores.ts";

/** No retry storm: one request, and an answer within 10 s whatever the network does. */
const ONE_TRY = { attempts: 1, connectTimeoutMs: 4_000, answerTimeoutMs: 6_000, deadlineMs: 8_000 };

/**
 * One HEAD of the manifest with the very credentials that go into the token. False where it is not there yet.
 *
 * @throws AccessDeniedError the store knows the credentials, or not, and lets them not read
 * @throws S3UnreachableError the store cannot be reached
 */
export async function proveToken(location: StoreLocation): Promise<boolean> {
  const store = await openStore(location, { limits: ONE_TRY });
  try {
    return (await store.head(MANIFEST_KEY)) !== null;
  } catch (error) {
    if (error instanceof AccessDeniedError) throw cannotRead(error, location);
    throw error;
  }
}

function cannotRead(error: AccessDeniedError, { bucket, prefix }: StoreLocation): AccessDeniedError {
  const key = `${prefix}${MANIFEST_KEY}`;
  return new AccessDeniedError(`credentials accepted by S3 but cannot read ${key}`, {
    hint: `${error.message}; allow s3:GetObject on arn:aws:s3:::${bucket}/${prefix}*`,
  });
}
