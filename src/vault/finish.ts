import type { CommitPorts } from "./commit/commit.ts";
import { type AmendRequest, Proposal, proposeAmendment, tellingTheSwap } from "./commit/proposal.ts";
import { accessOf, type SlotAccess, writerEntries } from "./unlock/entries.ts";

export interface FinishPlan {
  /** The entries whose grace window ends now. Empty if no window is open. */
  readonly dropped: readonly SlotAccess[];
  /**
   * How many anchors from before a `--leaked` rotation end. Hosts that still pin one of them can no longer open the
   * vault.
   */
  readonly anchors: number;
}

/**
 * Proposes to end every grace window now, and every anchor except the current one.
 *
 * @throws what opening, committing and `tellingTheSwap` throw
 */
export async function proposeFinish(ports: CommitPorts, request: AmendRequest): Promise<Proposal<FinishPlan>> {
  const proposal = await proposeAmendment(ports, request, ({ manifest }, tokens) => {
    const dropped = accessOf(manifest, ports.clock.nowMs()).filter(({ until }) => until !== null);
    const unlock = writerEntries(manifest.unlock);
    const anchors = tokens.anchors.slice(-1);
    const ending = tokens.anchors.length - anchors.length;
    const amendment = { action: "finish", unlock, tokens: { anchors } };
    return { plan: { dropped, anchors: ending }, amendment: dropped.length + ending === 0 ? null : amendment };
  });
  return new Proposal(proposal.plan, () => tellingTheSwap(proposal.steps()), proposal);
}
