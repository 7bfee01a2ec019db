import { ConflictError, RollbackError } from "../../errors.ts";
import type { ObjectStore, ReadOptions, StoredObject, Version } from "../../ports.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import { AUDIT_PREFIX, auditKey, generationOfAuditKey, LAST_AUDIT_KEY, MANIFEST_KEY } from "../format/object-keys.ts";

/** The audit rows that a commit looks at before it writes. Disposing of them aborts what is pending. */
export interface Neighbours extends Disposable {
  /** The generation of the first row that is the new generation's own, or above it: null, unless something is wrong. */
  readonly above: Promise<number | null>;
  /** The row of the generation below, or null. */
  readonly before: Promise<StoredObject | null>;
}

/** Requests both in parallel, in one round trip. Errors surface where a row is awaited, which may be never. */
export function readNeighbours(store: ObjectStore, gen: number): Neighbours {
  const reading = new AbortController();
  const { signal } = reading;
  const above = firstRowFrom(store, gen, { signal });
  const before =
    gen === 1 ? Promise.resolve(null) : store.get(auditKey(gen - 1), { signal, maxBytes: MAX_MANIFEST_BYTES });
  for (const answer of [above, before]) answer.catch(() => {});
  return { above, before, [Symbol.dispose]: () => reading.abort() };
}

/** Lists instead of asking for one row: who put an older manifest back may have removed the row that follows it. */
async function firstRowFrom(store: ObjectStore, gen: number, options: ReadOptions): Promise<number | null> {
  for await (const key of store.list(AUDIT_PREFIX, { ...options, startAfter: auditKey(gen - 1) })) {
    if (key > LAST_AUDIT_KEY) break;
    const found = generationOfAuditKey(key);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Refuses to commit on a manifest that somebody put back: the vault would get a second history from there on, and machines
 * and tokens that have seen the first one would follow it as soon as it has grown as long.
 *
 * @param above as in `Neighbours`
 * @param to the new generation, and the version of the manifest below it, or null for the first
 * @throws ConflictError another commit has made that generation meanwhile
 * @throws RollbackError the manifest is older than the rows
 */
export async function refuseFork(
  store: ObjectStore,
  above: Promise<number | null>,
  { gen, base }: { readonly gen: number; readonly base: Version | null },
): Promise<void> {
  const row = await above;
  if (row === null) return;
  if ((await store.head(MANIFEST_KEY)) !== base)
    throw new ConflictError(`another writer committed generation ${gen} first`);
  const found = base === null ? "the manifest is gone" : "an older manifest was put back";
  throw new RollbackError(`audit row ${row} is there already: ${found}`);
}
