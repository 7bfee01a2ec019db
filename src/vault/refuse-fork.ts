import { ConflictError, RollbackError } from "../errors.ts";
import { MANIFEST_KEY } from "./keys.ts";
import type { ObjectStore, Version } from "./ports.ts";

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
