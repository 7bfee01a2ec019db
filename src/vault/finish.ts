import { type AmendRequest, proposeAmendment } from "./commit/amend.ts";
import type { CommitPorts } from "./commit/commit.ts";
import { Proposal } from "./commit/proposal.ts";
import { tellingTheSwap } from "./commit/swap-manifest.ts";
import { accessOf, type SlotAccess, writerEntries } from "./unlock/entries.ts";

export interface FinishPlan {
  /** The entries whose grace window ends; none if no window is open. */
  readonly dropped: readonly SlotAccess[];
}

/**
 * Proposes to end every grace window now.
 *
 * @throws what opening, committing and `tellingTheSwap` throw
 */
export async function proposeFinish(ports: CommitPorts, request: AmendRequest): Promise<Proposal<FinishPlan>> {
  const proposal = await proposeAmendment(ports, request, ({ manifest }) => {
    const dropped = accessOf(manifest, ports.clock.nowMs()).filter(({ until }) => until !== null);
    const unlock = writerEntries(manifest.unlock);
    return { plan: { dropped }, amendment: dropped.length === 0 ? null : { action: "finish", unlock } };
  });
  return new Proposal(proposal.plan, () => tellingTheSwap(proposal.steps()), proposal);
}
