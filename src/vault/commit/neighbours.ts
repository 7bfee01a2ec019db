import { ConflictError, RollbackError } from "../../errors.ts";
import type { ObjectStore, StoredObject, Version } from "../../ports.ts";
import { MAX_MANIFEST_BYTES } from "../format/limits.ts";
import { auditKey, MANIFEST_KEY } from "../format/object-keys.ts";

/** The audit rows that a commit looks at before it writes. */
export interface Neighbours {
  /** The version of its own generation's row, which must not be there yet. */
  readonly own: Promise<Version | null>;
  /** The row of the generation that it stands on; null also where there is none. */
  readonly before: Promise<StoredObject | null>;
}

/** Asks for both at once, one round trip, and gives up what is unanswered when `use` has ended. */
export async function withNeighbours<T>(
  store: ObjectStore,
  gen: number,
  use: (neighbours: Neighbours) => Promise<T>,
): Promise<T> {
  const reading = new AbortController();
  const { signal } = reading;
  const own = store.head(auditKey(gen), { signal });
  const before =
    gen === 1 ? Promise.resolve(null) : store.get(auditKey(gen - 1), { signal, maxBytes: MAX_MANIFEST_BYTES });
  for (const answer of [own, before]) {
    answer.catch(() => {
      // What it failed with comes when it is its turn; where something else is refused first, nobody asks.
    });
  }
  try {
    return await use({ own, before });
  } finally {
    reading.abort();
  }
}

/**
 * A commit on top of a manifest that was put back would make a second generation with the same number: its audit row would
 * have no place, and no commit could follow it. So the row of the generation to come must not be there yet.
 *
 * @param row that row's version, or null: it is not there
 * @param to the generation to come, and the manifest's version that the commit stands on, or null: there is no manifest
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
