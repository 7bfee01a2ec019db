import { type AmendRequest, amendVault } from "./amend.ts";
import type { CommitPorts, Committed } from "./commit.ts";
import type { PassphraseEntry } from "./manifest.ts";

export interface Finished {
  /** The reader slots that were dropped. */
  readonly dropped: readonly PassphraseEntry[];
  readonly committed: Committed;
}

/** Ends every grace window now. Null where there is none. */
export async function finishRotation(ports: CommitPorts, request: AmendRequest): Promise<Finished | null> {
  let dropped: readonly PassphraseEntry[] = [];
  const committed = await amendVault(ports, request, async ({ passphraseEntries }) => {
    dropped = passphraseEntries.filter((entry) => entry.not_after !== undefined);
    const unlock = passphraseEntries.filter((entry) => entry.not_after === undefined);
    return dropped.length === 0 ? null : { action: "finish", unlock };
  });
  return committed === null ? null : { dropped, committed };
}
