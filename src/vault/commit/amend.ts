import type { JsonObject } from "../../canonical-json.ts";
import type { NamedData } from "../format/item.ts";
import type { UnlockEntry } from "../format/unlock-entry.ts";
import type { OpenedVault } from "../open/open.ts";
import type { OpenRequest } from "../open/open-manifest.ts";
import { type CommitPorts, commitGeneration } from "./commit.ts";
import { type Annotation, baseOn, type Draft } from "./draft.ts";
import { openForCommit, type WritableVault } from "./open-for-commit.ts";
import type { CommitStep } from "./proposal.ts";
import { Proposal } from "./proposal.ts";
import type { Mending, VaultTokens } from "./vault-tokens.ts";

export interface AmendRequest extends OpenRequest {
  readonly annotation: Annotation;
  /** What the commit mends, and so is not refused for. */
  readonly mending?: Mending;
}

/** The changes of a commit; everything else stays. */
export interface Amendment {
  readonly action: string;
  readonly items?: readonly NamedData[];
  /** Default: all entries. */
  readonly unlock?: readonly UnlockEntry[];
  /** Wins over the annotation's own. */
  readonly meta?: JsonObject;
  /** Default: as they are. */
  readonly tokens?: Partial<VaultTokens>;
}

/** The answer of a use-case about an open vault. */
export interface Amending<Plan> {
  readonly plan: Plan;
  /** Null if nothing needs to change. */
  readonly amendment: Amendment | null;
}

/**
 * Opens the vault and proposes to commit what `amend` makes of it.
 *
 * @throws what opening and `amend` throw
 */
export async function proposeAmendment<Plan>(
  ports: CommitPorts,
  request: AmendRequest,
  amend: (vault: OpenedVault, tokens: VaultTokens) => Promise<Amending<Plan>> | Amending<Plan>,
): Promise<Proposal<Plan>> {
  const writable = await openForCommit(ports, request);
  try {
    const { plan, amendment } = await amend(writable.vault, writable.tokens);
    const write = amendment === null ? null : () => commitAmendment(ports, request, writable, amendment);
    return new Proposal(plan, write, writable);
  } catch (error) {
    writable[Symbol.dispose]();
    throw error;
  }
}

function commitAmendment(
  ports: CommitPorts,
  { annotation }: AmendRequest,
  { vault, signingKey, tokens }: WritableVault,
  amendment: Amendment,
): AsyncGenerator<CommitStep, void> {
  const draft: Draft = {
    ...annotation,
    action: amendment.action,
    meta: { ...annotation.meta, ...amendment.meta },
    items: amendment.items ?? vault.bundle.items,
    unlock: amendment.unlock ?? vault.manifest.unlock,
    signingKey,
    rotates: false,
    tokens: { ...tokens, ...amendment.tokens },
  };
  return commitGeneration(ports, baseOn({ ...vault, signingKey }), () => draft);
}
