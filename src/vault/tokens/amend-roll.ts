import { ConflictError, OutcomeUnknownError, VsyncError } from "../../errors.ts";
import type { CommitPorts } from "../commit/commit.ts";
import {
  type Amendment,
  type AmendRequest,
  type CommitStep,
  type Committed,
  Proposal,
  proposeAmendment,
} from "../commit/proposal.ts";
import { proposeReconcile } from "../commit/reconcile.ts";
import type { VaultTokens } from "../commit/vault-tokens.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Roll } from "../format/tokens/roll.ts";
import { tokenSlotIds } from "../format/tokens/slot.ts";
import type { OpenedVault } from "../open/open.ts";
import { type Summarize, type SummedVault, summarizing } from "./summary.ts";

/** Each failed try means that another writer succeeded. With more than this many at once, somebody has to wait. */
const MAX_TRIES = 16;

/** The vault that a change of the roll starts from. */
export interface RollBase extends SummedVault, VaultTokens {
  readonly manifest: Manifest;
  readonly summarize: Summarize;
}

/** What a use-case makes of the roll. */
export interface Amended<Plan> {
  readonly plan: Plan;
  /** Null if nothing needs to change. */
  readonly amendment: Amendment | null;
}

/** A change that can be repeated on top of somebody else's commit. */
export interface RollChange<Plan> {
  /** Called for each try. Every call must change the same tokens. */
  change(base: RollBase): Promise<Amended<Plan>> | Amended<Plan>;
  /** Whether the roll already has the change, because an earlier try succeeded and its response was lost. */
  isDone(roll: Roll): boolean;
}

/**
 * Proposes a change of the roll. If another commit is faster, it makes the same change on top of that one, so two
 * operators who create tokens at once both get theirs. If nothing is left to change then, the commit writes nothing.
 *
 * @throws what opening and `change` throw
 */
export async function proposeRollChange<Plan>(
  ports: CommitPorts,
  request: AmendRequest,
  rollChange: RollChange<Plan>,
): Promise<Proposal<Plan>> {
  const attempt = (isAgain: boolean) =>
    proposeAmendment(ports, request, async (vault, tokens) => {
      if (isAgain && rollChange.isDone(tokens.roll)) throw new AlreadyDone(vault.manifest);
      return rollChange.change(baseOf(ports, vault, tokens));
    });
  const first = await attempt(false);
  const settle = (manifest: Manifest) => settled(ports, request, manifest);
  return new Proposal(first.plan, () => retrying(first, () => attempt(true), settle), first);
}

export function baseOf({ clock }: CommitPorts, { manifest, bundle }: OpenedVault, tokens: VaultTokens): RollBase {
  const { repo, env } = manifest;
  const sealed = tokenSlotIds(bundle.header);
  const vault = { repo, env, items: bundle.items, nowMs: clock.nowMs(), sealed };
  return { ...tokens, ...vault, manifest, summarize: summarizing(vault) };
}

/** The roll already has the change, made by an earlier try of the same call. */
class AlreadyDone extends Error {
  readonly manifest: Manifest;

  constructor(manifest: Manifest) {
    super("done");
    this.manifest = manifest;
  }
}

async function* retrying<Plan>(
  first: Proposal<Plan>,
  attempt: () => Promise<Proposal<Plan>>,
  settle: (manifest: Manifest) => Promise<Committed>,
): AsyncGenerator<CommitStep, void> {
  let proposal = first;
  try {
    for (let tries = 1; ; tries++) {
      try {
        yield* proposal.steps();
        return;
      } catch (error) {
        if (!mayHaveRaced(error) || tries >= MAX_TRIES) throw error;
        proposal[Symbol.dispose]();
        proposal = await again(attempt, error);
      }
    }
  } catch (error) {
    if (!(error instanceof AlreadyDone)) throw error;
    yield { kind: "done", committed: await settle(error.manifest) };
  } finally {
    proposal[Symbol.dispose]();
  }
}

/** A try whose response was lost did not get to its audit row, so this appends it. */
async function settled(ports: CommitPorts, request: AmendRequest, manifest: Manifest): Promise<Committed> {
  try {
    using proposal = await proposeReconcile(ports, request);
    await proposal.commit();
    return { manifest, auditFault: null };
  } catch (error) {
    if (error instanceof VsyncError) return { manifest, auditFault: error };
    throw error;
  }
}

function mayHaveRaced(error: unknown): error is VsyncError {
  return error instanceof ConflictError || error instanceof OutcomeUnknownError;
}

/** After an unknown outcome this only reads the store: the lost write may still arrive. */
async function again<Plan>(attempt: () => Promise<Proposal<Plan>>, error: VsyncError): Promise<Proposal<Plan>> {
  let next: Proposal<Plan>;
  try {
    next = await attempt();
  } catch (failure) {
    throw error instanceof OutcomeUnknownError && failure instanceof VsyncError ? error : failure;
  }
  if (!(error instanceof OutcomeUnknownError)) return next;
  next[Symbol.dispose]();
  throw error;
}
