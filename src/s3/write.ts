import { PutObjectCommand } from "@aws-sdk/client-s3";
import { ConflictError, OutcomeUnknownError, type VsyncError } from "../errors.ts";
import type { Version } from "../ports.ts";
import { isSameVersion, respelled } from "./answers.ts";
import type { Connection } from "./connection.ts";
import type { Effect, Failure } from "./failure.ts";
import { getObject, headObject, versionIn } from "./read.ts";

export interface Write {
  readonly connection: Connection;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The version that must be there for the write to happen, or null: nothing must. */
  readonly expected: Version | null;
}

/**
 * Writes once, whatever the network and the store do: a try that may have been applied is settled by reading back before
 * there is another one, and a refusal that comes after any try of ours is held against what is there.
 *
 * @throws ConflictError | OutcomeUnknownError as `ObjectStore` says
 */
export async function writeObject(write: Write): Promise<Version> {
  using call = write.connection.call("write", write.key, { sends: write.bytes.length });
  let expected = write.expected;
  let doubt: Effect = "none";
  for (;;) {
    const attempt = await call.attempt((signal) => put(write, expected, signal));
    if (attempt.done) return attempt.value;
    const { failure } = attempt;
    const isRefused = failure.kind === "unmet" || (failure.kind === "absent" && expected !== null);
    doubt = theGreater(doubt, failure.effect);
    const isOver = isRefused || !(await call.mayTryAgain(failure));
    // A refusal is somebody else's doing, unless an earlier try of ours has been applied, whatever was said of it.
    if (isOpen(failure) || (isOver && doubt !== "none")) {
      const version = await readBack(write);
      if (version !== null) return version;
    }
    if (isRefused) expected = await otherSpelling(write, expected, failure);
    else if (isOver) throw await givenUp(write, failure, doubt);
  }
}

const DOUBTS: readonly Effect[] = ["none", "unlikely", "unknown", "pending"];

function theGreater(one: Effect, other: Effect): Effect {
  return DOUBTS.indexOf(one) > DOUBTS.indexOf(other) ? one : other;
}

/** Nobody has said that the write was not done. */
function isOpen({ effect }: Failure): boolean {
  return effect === "unknown" || effect === "pending";
}

async function put({ connection, key, bytes }: Write, expected: Version | null, abortSignal: AbortSignal) {
  const precondition = expected === null ? { IfNoneMatch: "*" } : { IfMatch: expected };
  const command = new PutObjectCommand({ ...connection.address(key), Body: bytes, ...precondition });
  return versionIn(await connection.client.send(command, { abortSignal }));
}

/**
 * The version of what was written, or null where everything is as it was before.
 *
 * @throws ConflictError other bytes are there
 * @throws OutcomeUnknownError it cannot be read
 */
async function readBack(write: Write): Promise<Version | null> {
  const { connection, key, bytes, expected } = write;
  const found = await getObject(connection, key, { maxBytes: bytes.length }).catch((error: VsyncError) => {
    throw outcomeUnknown(write, error);
  });
  if (found !== null && Buffer.from(found.bytes).equals(bytes)) return found.version;
  const isUnchanged = expected === null ? found === null : found !== null && isSameVersion(found.version, expected);
  if (!isUnchanged) throw conflict(write);
  return null;
}

/**
 * Ceph 16 hands out quoted ETags and takes only unquoted ones: a refusal although the object is at the very version
 * that was asked for.
 *
 * @throws ConflictError it is not, or the other spelling has been refused as well
 */
async function otherSpelling(write: Write, refused: Version | null, { kind }: Failure): Promise<Version> {
  const { connection, key, expected } = write;
  if (kind !== "unmet" || expected === null || refused !== expected) throw conflict(write);
  // Where even this fails, the refusal stands: nothing was written.
  const current = await headObject(connection, key, {}).catch(() => null);
  if (current === null || !isSameVersion(current, expected)) throw conflict(write);
  return respelled(expected);
}

async function givenUp(write: Write, { kind, error }: Failure, doubt: Effect): Promise<VsyncError> {
  if (doubt === "pending") return outcomeUnknown(write, error);
  // A store that says "conflict" to every try, and has nothing there, is out of order: that is no other writer.
  return kind === "contended" && !(await isAsItWas(write)) ? conflict(write) : error;
}

async function isAsItWas({ connection, key, expected }: Write): Promise<boolean> {
  const current = await headObject(connection, key, {});
  return expected === null ? current === null : current !== null && isSameVersion(current, expected);
}

function conflict({ connection, key, expected }: Write): ConflictError {
  const state = expected === null ? "is there already" : "is not at the version that was read";
  return new ConflictError(`${connection.name(key)} ${state}`, { hint: "another writer was quicker: start again" });
}

function outcomeUnknown({ connection, key }: Write, { message }: VsyncError): OutcomeUnknownError {
  const hint = "look at the store once it can be reached: the write may have happened";
  return new OutcomeUnknownError(`it is not known whether ${connection.name(key)} was written: ${message}`, { hint });
}
