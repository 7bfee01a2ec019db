import { type OlderHolder, openGeneration } from "../audit/older-generation.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { effectsOn } from "../commit/plan-tokens.ts";
import { type AmendRequest, type Proposal, proposeAmendment } from "../commit/proposal.ts";
import { type ChangePlan, compareItems, isEmpty } from "../items/changes.ts";

export interface RestoreRequest extends AmendRequest {
  /** The generation to restore. */
  readonly gen: number;
  readonly olderHolder: OlderHolder;
}

/**
 * Proposes a new generation with the items of an old one. Nothing else changes: a token that was revoked in between
 * stays revoked.
 *
 * @throws what `openGeneration` and opening throw
 */
export async function proposeRestore(ports: CommitPorts, request: RestoreRequest): Promise<Proposal<ChangePlan>> {
  return proposeAmendment(ports, request, async ({ bundle, manifest }, { roll }) => {
    const { items } = await openGeneration(ports.store, manifest, request);
    const changes = compareItems(bundle.items, items);
    const meta = { event: "restore", from_gen: request.gen };
    const amendment = isEmpty(changes) ? null : { action: "restore", items, meta };
    const tokens = await effectsOn({ ...manifest, roll, nowMs: ports.clock.nowMs() }, bundle.items, items);
    return { plan: { changes, gen: manifest.gen, tokens }, amendment };
  });
}
