import { ConflictError, OutcomeUnknownError, type VsyncError } from "../errors.ts";
import type { Version } from "../ports.ts";
import { getObject, headObject } from "./read.ts";
import { StrangerAnsweredError } from "./wire/answers.ts";
import type { Connection } from "./wire/connection.ts";
import type { Effect, Failure } from "./wire/failure.ts";

export interface Write {
  readonly connection: Connection;
  readonly key: string;
  readonly bytes: Uint8Array;
  /** The version that the write replaces, or null for an object that must not exist. */
  readonly expected: Version | null;
}

/**
 * Writes once, despite faults of network and store. After a try that the server may have applied, it reads the object
 * back before it tries again. A refusal after such a try may be about our own write, so it reads back then too.
 *
 * @throws ConflictError, OutcomeUnknownError as `ObjectStore` says
 */
export async function writeObject(write: Write): Promise<Version> {
  const { connection, key, bytes } = write;
  // Loaded only here, because readers do not need the SDK; and before the call, whose time limit is for the store.
  const { putObject } = await import("./commands.ts");
  using call = connection.call("write", key, { sends: bytes.length });
  let expected = write.expected;
  let doubt: Effect = "none";
  for (;;) {
    const attempt = await call.attempt((sending) => putObject(connection, key, bytes, expected, sending));
    if (attempt.done) return attempt.value;
    const { failure } = attempt;
    const isRefused = failure.kind === "unmet" || (failure.kind === "absent" && expected !== null);
    doubt = theGreater(doubt, failure.effect);
    const isOver = isRefused || !(await call.mayTryAgain(failure));
    // A refusal means another writer, unless the server applied an earlier try of ours.
    if (isOpen(failure) || (isOver && doubt !== "none")) {
      const version = await readBack(write, failure);
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

/** Whether the server has not said that the write failed. */
function isOpen({ effect }: Failure): boolean {
  return effect === "unknown" || effect === "pending";
}

/**
 * The version of our bytes if they are stored, or null if nothing has changed.
 *
 * @throws ConflictError other bytes are stored
 * @throws OutcomeUnknownError the object cannot be read
 */
async function readBack(write: Write, failure: Failure): Promise<Version | null> {
  const { connection, key, bytes, expected } = write;
  const found = await getObject(connection, key, { maxBytes: bytes.length }).catch((error: VsyncError) => {
    // If the same intermediary answered both the write and the read, neither has reached the store.
    const isStranger = failure.error instanceof StrangerAnsweredError && error instanceof StrangerAnsweredError;
    throw isStranger ? failure.error : outcomeUnknown(write, error);
  });
  if (found !== null && Buffer.from(found.bytes).equals(bytes)) return found.version;
  const isUnchanged = expected === null ? found === null : found !== null && isSameVersion(found.version, expected);
  if (!isUnchanged) throw conflict(write);
  return null;
}

/**
 * Ceph 16 sends quoted ETags but accepts only unquoted ones, and refuses a write although the object has the very
 * version that we named.
 *
 * @throws ConflictError the object is at another version, or the server has refused both spellings
 */
async function otherSpelling(write: Write, refused: Version | null, { kind }: Failure): Promise<Version> {
  const { connection, key, expected } = write;
  if (kind !== "unmet" || expected === null || refused !== expected) throw conflict(write);
  // If this fails as well, the refusal stands: nothing was written.
  const current = await headObject(connection, key, {}).catch(() => null);
  if (current === null || !isSameVersion(current, expected)) throw conflict(write);
  return respelled(expected);
}

async function givenUp(write: Write, { kind, error }: Failure, doubt: Effect): Promise<VsyncError> {
  if (doubt === "pending") return outcomeUnknown(write, error);
  // If a store answers "conflict" to every try but nothing has changed, there was no other writer: the store is broken.
  return kind === "contended" && !(await isAsItWas(write)) ? conflict(write) : error;
}

async function isAsItWas({ connection, key, expected }: Write): Promise<boolean> {
  const current = await headObject(connection, key, {});
  return expected === null ? current === null : current !== null && isSameVersion(current, expected);
}

function conflict({ connection, key, expected }: Write): ConflictError {
  const state = expected === null ? "exists already" : "is not at the version that was read";
  return new ConflictError(`${connection.name(key)} ${state}`, { hint: "another writer was faster: start again" });
}

function outcomeUnknown({ connection, key }: Write, { message }: VsyncError): OutcomeUnknownError {
  const hint = "once the store answers, run the same command again: it finds out";
  return new OutcomeUnknownError(`it is not known whether ${connection.name(key)} was written: ${message}`, { hint });
}

/** Some servers quote the ETag in one response and not in the next. */
function isSameVersion(a: Version, b: Version): boolean {
  return withoutQuotes(a) === withoutQuotes(b);
}

/** The same ETag in the other spelling: without its quotes, or with quotes if it had none. */
function respelled(version: Version): Version {
  return withoutQuotes(version) === version ? `"${version}"` : withoutQuotes(version);
}

function withoutQuotes(version: Version): Version {
  return /^"(.*)"$/s.exec(version)?.[1] ?? version;
}
