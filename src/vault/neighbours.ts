import { auditKey } from "./keys.ts";
import { MAX_MANIFEST_BYTES } from "./limits.ts";
import type { ObjectStore, StoredObject, Version } from "./ports.ts";

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
