import { type OlderHolder, openAtGeneration } from "./audit/older-generation.ts";
import { type Changes, compareItems, NO_CHANGES } from "./changes.ts";
import { type AmendRequest, amendVault } from "./commit/amend.ts";
import type { CommitPorts, Committed } from "./commit/commit.ts";

export interface RestoreRequest extends AmendRequest {
  /** The generation whose items are to be the current ones again. */
  readonly gen: number;
  readonly olderHolder: OlderHolder;
  /** Asked before the first write; false ends the restore. */
  confirm(changes: Changes): Promise<boolean>;
}

export interface Restored {
  /** What going from the current items to those of then does to each name. */
  readonly changes: Changes;
  /** Null where `confirm` said no. */
  readonly committed: Committed | null;
}

/**
 * Makes a new generation from the items of an old one.
 *
 * @throws what `openAtGeneration`, opening and committing throw
 */
export async function restoreGeneration(ports: CommitPorts, request: RestoreRequest): Promise<Restored> {
  let changes = NO_CHANGES;
  const committed = await amendVault(ports, request, async (vault) => {
    const older = await openAtGeneration(ports.store, vault.manifest, request);
    changes = compareItems(vault.bundle.items, older.items);
    if (!(await request.confirm(changes))) return null;
    return { action: "restore", items: older.items, meta: { event: "restore", from_gen: request.gen } };
  });
  return { changes, committed };
}
