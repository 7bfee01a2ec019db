import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { Connection } from "./connection.ts";
import { type Answer, answerIn, datedMs } from "./failure.ts";
import type { S3Location, S3Options } from "./options.ts";

/** What one HEAD of an object says of the credentials that it was sent with. */
export type ReadProof =
  | { readonly kind: "readable" }
  | { readonly kind: "absent" }
  /** 401 or 403, also for a missing key where they may not list. `serverMs`: the time that the server dated its answer. */
  | { readonly kind: "refused"; readonly serverMs: number | null };

/**
 * Sends one HEAD, and no second one whatever the answer. Any 200 counts, also without an ETag, and so does a cache's 304.
 *
 * @throws AccessDeniedError there are no ambient credentials, or the session token has expired
 * @throws S3UnreachableError there is no such answer
 */
export async function proveRead(location: S3Location, key: string, options: S3Options): Promise<ReadProof> {
  const connection = new Connection(location, options);
  let answer: Answer | undefined;
  using call = connection.call("read", key);
  const attempt = await call.attempt(async (abortSignal) => {
    try {
      await connection.client.send(new HeadObjectCommand(connection.address(key)), { abortSignal });
    } catch (error) {
      answer = answerIn(error);
      throw error;
    }
  });
  if (attempt.done || answer?.status === 304) return { kind: "readable" };
  if (attempt.failure.kind === "absent") return { kind: "absent" };
  if (answer?.status === 401 || answer?.status === 403) return { kind: "refused", serverMs: datedMs(answer) };
  throw attempt.failure.error;
}
