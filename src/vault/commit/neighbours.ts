import { ConflictError, RollbackError } from "../../errors.ts";
import type { ObjectStore, StoredObject, Version } from "../../ports.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import { auditKey, MANIFEST_KEY } from "../format/object-keys.ts";

/** The audit rows that a commit looks at before it writes. Disposing of them aborts what is pending. */
export interface Neighbours extends Disposable {
  /** The version of the new generation's own row: null, unless something is wrong. */
  readonly own: Promise<Version | null>;
  /** The row of the generation below, or null. */
  readonly before: Promise<StoredObject | null>;
}

/** Requests both rows in parallel, in one round trip. Errors surface where a row is awaited, which may be never. */
export function readNeighbours(store: ObjectStore, gen: number): Neighbours {
  const reading = new AbortController();
  const { signal } = reading;
  const own = store.head(auditKey(gen), { signal });
  const before =
    gen === 1 ? Promise.resolve(null) : store.get(auditKey(gen - 1), { signal, maxBytes: MAX_MANIFEST_BYTES });
  for (const answer of [own, before]) answer.catch(() => {});
  return { own, before, [Symbol.dispose]: () => reading.abort() };
}

/**
 * Refuses to commit on a manifest that somebody put back: the vault would get a second generation of the same number,
 * whose audit row has no place, and no commit could follow it.
 *
 * @param row the version of the new generation's row, or null
 * @param to the new generation, and the version of the manifest below it, or null for the first
 * @throws ConflictError another commit has made that generation meanwhile
 * @throws RollbackError the manifest is older than the rows
 */
export async function refuseFork(
  store: ObjectStore,
  row: Promise<Version | null>,
  { gen, base }: { readonly gen: number; readonly base: Version | null },
): Promise<void> {
  if ((await row) === null) return;
  if ((await store.head(MANIFEST_KEY)) !== base)
    throw new ConflictError(`another writer committed generation ${gen} first`);
  const found = base === null ? "the manifest is gone" : "an older manifest was put back";
  throw new RollbackError(`audit row ${gen} is there already: ${found}`);
}
