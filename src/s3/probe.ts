import { ConflictError } from "../errors.ts";
import type { ObjectStore, Random, Version } from "../ports.ts";

/** What a store must do to keep two writers from destroying each other's work. */
export type Proof =
  /** A create-only write to an existing key is refused, and changes nothing. */
  | "create-only"
  /** A write with the current version is accepted. */
  | "replace"
  /** A write with a stale version is refused, and changes nothing. */
  | "stale-replace"
  /**
   * Of several simultaneous writers exactly one wins, the others learn that they lost, and the winner's bytes are
   * stored.
   */
  | "create-race"
  | "replace-race"
  /** The objects are listed, in order. */
  | "listing";

export interface ProbeResult {
  /** The first proof that the store failed, or null. */
  readonly failed: Proof | null;
  /** Keys that the probe wrote and could not remove. */
  readonly leftover: readonly string[];
}

const CONTENDERS = 8;

/**
 * Proves that a store keeps the preconditions of writes. It writes under `probe-<random>/`, then removes what it wrote.
 *
 * @throws VsyncError the store cannot be reached, refuses a write, or does not implement conditional writes
 */
export async function probeStore(store: ObjectStore, { random }: { readonly random: Random }): Promise<ProbeResult> {
  const folder = `probe-${Buffer.from(random.bytes(8)).toString("hex")}`;
  const probe: Probe = { store, single: `${folder}/single`, raced: `${folder}/raced` };
  let failed: Proof | null;
  try {
    failed = await firstFailed(probe);
  } catch (error) {
    await remove(probe);
    throw error;
  }
  return { failed, leftover: await remove(probe) };
}

interface Probe {
  readonly store: ObjectStore;
  readonly single: string;
  readonly raced: string;
}

async function firstFailed({ store, single, raced }: Probe): Promise<Proof | null> {
  const first = await store.create(single, text("first"));
  if (await isWritten(store.create(single, text("second")))) return "create-only";
  if (!(await holds(store, single, "first"))) return "create-only";

  // Like a commit, start from the version of a GET, which a proxy may have changed on the way.
  const read = await store.get(single, { maxBytes: 100 });
  if (read === null || !(await isWritten(store.replace(single, text("third"), read.version)))) return "replace";
  const second = await store.get(single, { maxBytes: 100 });
  if (second === null || !(await holds(store, single, "third"))) return "replace";
  for (const stale of new Set([first, read.version])) {
    if (await isWritten(store.replace(single, text("fourth"), stale))) return "stale-replace";
  }
  if (!(await holds(store, single, "third"))) return "stale-replace";

  if (!(await hasOneWinner(store, raced, (bytes) => store.create(raced, bytes)))) return "create-race";
  if (!(await hasOneWinner(store, single, (bytes) => store.replace(single, bytes, second.version))))
    return "replace-race";
  return (await lists(store, [raced, single])) ? null : "listing";
}

async function lists(store: ObjectStore, keys: readonly string[]): Promise<boolean> {
  const listed: string[] = [];
  for await (const key of store.list(folderOf(keys))) if (listed.push(key) > keys.length) return false;
  return listed.length === keys.length && keys.every((key, at) => listed[at] === key);
}

function folderOf([key = ""]: readonly string[]): string {
  return key.slice(0, key.indexOf("/") + 1);
}

/**
 * @throws VsyncError the write failed in a way other than a conflict
 */
async function acceptedVersion(write: Promise<Version>): Promise<Version | null> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConflictError) return null;
    throw error;
  }
}

async function isWritten(write: Promise<Version>): Promise<boolean> {
  return (await acceptedVersion(write)) !== null;
}

async function holds(store: ObjectStore, key: string, content: string): Promise<boolean> {
  const stored = await store.get(key, { maxBytes: 100 });
  return stored !== null && Buffer.from(stored.bytes).equals(text(content));
}

async function hasOneWinner(
  store: ObjectStore,
  key: string,
  write: (bytes: Uint8Array) => Promise<Version>,
): Promise<boolean> {
  // Each writes different bytes: with equal ones, a lost response could look like a victory.
  const writers = Array.from({ length: CONTENDERS }, (_, index) => `writer ${index}`);
  // Wait for all of them before throwing: a late write would land after the clean-up.
  const ends = await Promise.allSettled(writers.map((writer) => acceptedVersion(write(text(writer)))));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const winners = writers.filter((_, index) => ends[index]?.status === "fulfilled" && ends[index].value !== null);
  const [winner] = winners;
  return winners.length === 1 && winner !== undefined && holds(store, key, winner);
}

async function remove({ store, single, raced }: Probe): Promise<readonly string[]> {
  const keys = [single, raced];
  const ends = await Promise.allSettled(keys.map((key) => store.delete(key)));
  return keys.filter((_, index) => ends[index]?.status === "rejected");
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
