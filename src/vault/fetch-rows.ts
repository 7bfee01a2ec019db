import { auditKey } from "./keys.ts";
import { MAX_MANIFEST_BYTES } from "./limits.ts";
import type { ObjectStore, ReadOptions, StoredObject } from "./ports.ts";

/** One request after the other would take minutes for ten thousand rows. At most 1 MiB of each is held. */
const ROWS_AHEAD = 16;

export interface RowRange {
  readonly newest: number;
  readonly downTo: number;
}

/**
 * The audit rows as they are stored, newest first, null for one that is not there. Some are requested ahead: what such a
 * request fails with is thrown when its row's turn comes, and ending the walk early aborts them.
 */
export async function* fetchRows(
  store: ObjectStore,
  { newest, downTo }: RowRange,
  { signal: given }: ReadOptions,
): AsyncGenerator<StoredObject | null, void> {
  const walk = new AbortController();
  const signal = given === undefined ? walk.signal : AbortSignal.any([walk.signal, given]);
  const ahead: Promise<StoredObject | null>[] = [];
  let next = newest;
  try {
    for (let gen = newest; gen >= downTo; gen--) {
      for (; next >= downTo && ahead.length < ROWS_AHEAD; next--) {
        const row = store.get(auditKey(next), { signal, maxBytes: MAX_MANIFEST_BYTES });
        row.catch(() => {
          // Its turn may never come.
        });
        ahead.push(row);
      }
      yield (await ahead.shift()) ?? null;
    }
  } finally {
    walk.abort();
  }
}
