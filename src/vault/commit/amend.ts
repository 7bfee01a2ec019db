import type { JsonObject } from "../format/canonical-json.ts";
import type { Item } from "../format/item.ts";
import type { UnlockEntry } from "../format/unlock-entry.ts";
import type { OpenedVault } from "../open/open.ts";
import type { OpenRequest } from "../open/open-manifest.ts";
import { liveEntries } from "../unlock/entries.ts";
import { type CommitPorts, type Committed, commitGeneration } from "./commit.ts";
import { type Annotation, baseOn } from "./draft.ts";
import { openForCommit } from "./open-for-commit.ts";

export interface AmendRequest extends OpenRequest {
  readonly annotation: Annotation;
}

/** What a commit changes; the rest stays as it is. */
export interface Amendment {
  readonly action: string;
  readonly items?: readonly Item[];
  /** Default: all slots but those whose grace window is over. */
  readonly unlock?: readonly UnlockEntry[];
  /** Wins over the annotation's own. */
  readonly meta?: JsonObject;
}

/**
 * Opens the vault, asks `amend` what to change, and commits it on top. Null where `amend` says that nothing is to be done.
 *
 * @throws what opening and committing throw
 */
export async function amendVault(
  ports: CommitPorts,
  request: AmendRequest,
  amend: (vault: OpenedVault) => Promise<Amendment | null>,
): Promise<Committed | null> {
  const { vault, signingKey } = await openForCommit(ports, request);
  const kept = liveEntries(vault.manifest.unlock, ports.clock.nowMs());
  const amendment = await amend(vault);
  if (amendment === null) return null;
  return await commitGeneration(ports, baseOn({ ...vault, signingKey }), {
    ...request.annotation,
    action: amendment.action,
    meta: { ...request.annotation.meta, ...amendment.meta },
    items: amendment.items ?? vault.bundle.items,
    unlock: amendment.unlock ?? kept,
    signingKey,
    rotates: false,
  });
}
