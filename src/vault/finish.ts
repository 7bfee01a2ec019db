import { type AmendRequest, amendVault } from "./commit/amend.ts";
import type { CommitPorts, Committed } from "./commit/commit.ts";
import { tellingTheSwap } from "./commit/swap-failure.ts";
import { accessOf, type SlotAccess, writerEntries } from "./unlock/entries.ts";

export interface FinishRequest extends AmendRequest {
  /** Told before the first write; false ends it there. Absent: nobody is told. */
  confirm?(dropped: readonly SlotAccess[]): Promise<boolean>;
}

export interface Finished {
  /** The reader slots that were dropped. */
  readonly dropped: readonly SlotAccess[];
  readonly committed: Committed;
}

/**
 * Ends every grace window now. Null where there is none, or `confirm` said no.
 *
 * @throws what opening, committing and `tellingTheSwap` throw
 */
export async function finishRotation(ports: CommitPorts, request: FinishRequest): Promise<Finished | null> {
  return tellingTheSwap(ports, (told) => endWindows(told, request));
}

async function endWindows(ports: CommitPorts, request: FinishRequest): Promise<Finished | null> {
  let dropped: readonly SlotAccess[] = [];
  const committed = await amendVault(ports, request, async ({ manifest }) => {
    dropped = accessOf(manifest, ports.clock.nowMs()).filter(({ until }) => until !== null);
    if (dropped.length === 0) return null;
    if (request.confirm !== undefined && !(await request.confirm(dropped))) return null;
    return { action: "finish", unlock: writerEntries(manifest.unlock) };
  });
  return committed === null ? null : { dropped, committed };
}
