import { ConflictError, RollbackError } from "../../errors.ts";
import type { ObjectStore, ReadOptions, StoredObject, Version } from "../../ports.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import { AUDIT_PREFIX, auditKey, generationOfAuditKey, LAST_AUDIT_KEY, MANIFEST_KEY } from "../format/object-keys.ts";

/** The audit rows to check before a commit writes. Disposing of them aborts what is pending. */
export interface Neighbours extends Disposable {
  /** The lowest generation, from the new one up, that already has an audit row. Null unless something is wrong. */
  readonly above: Promise<number | null>;
  /** The row of the generation before the new one, or null. */
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

/**
 * Lists instead of fetching one row: an attacker who restored an older manifest may have deleted the row right after
 * it.
 */
async function firstRowFrom(store: ObjectStore, gen: number, options: ReadOptions): Promise<number | null> {
  for await (const key of store.list(AUDIT_PREFIX, { ...options, startAfter: auditKey(gen - 1) })) {
    if (key > LAST_AUDIT_KEY) break;
    const found = generationOfAuditKey(key);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Refuses to commit on top of an older manifest that somebody restored. The vault would fork there, and machines and
 * tokens that have seen the real history would follow the fork once it is as long.
 *
 * @param above as in `Neighbours`
 * @param to the new generation, and the version of the manifest below it (null for the first)
 * @throws ConflictError another commit has made that generation in the meantime
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
  throw new RollbackError(`audit row ${row} already exists: ${found}`);
}
