import type { JsonObject } from "../../canonical-json.ts";
import { AccessDeniedError, ManifestSwapFailedError, S3UnreachableError, VsyncError } from "../../errors.ts";
import type { NamedData } from "../format/item.ts";
import type { UnlockEntry } from "../format/unlock-entry.ts";
import type { OpenedVault } from "../open/open.ts";
import type { OpenRequest } from "../open/open-manifest.ts";
import { type CommitPorts, type CommitStep, type Committed, commitGeneration } from "./commit.ts";
import { type Annotation, baseOn, type Draft } from "./draft.ts";
import { openForCommit, type WritableVault } from "./open-for-commit.ts";
import type { Mending, VaultTokens } from "./vault-tokens.ts";

export type { CommitStep, Committed } from "./commit.ts";

/**
 * The changes that a use-case would write. Show `plan`, ask, then `commit()` or drop it: `--dry-run` is a proposal that
 * nobody commits. Disposing of it zeroes its copy of the vault.
 *
 * @example
 * using proposal = await proposePush(ports, request);
 * if (await isAgreed(proposal.plan)) await proposal.commit();
 */
export class Proposal<Plan> implements Disposable {
  readonly plan: Plan;
  readonly #write: (() => AsyncIterable<CommitStep>) | null;
  readonly #held: Disposable;
  #isSpent = false;
  #isDisposed = false;

  /**
   * @param write null if nothing needs to change
   * @param held zeroed once the new bundle is sealed, or when the proposal is disposed of
   */
  constructor(plan: Plan, write: (() => AsyncIterable<CommitStep>) | null, held: Disposable) {
    this.plan = plan;
    this.#write = write;
    this.#held = held;
  }

  /**
   * Writes the proposed changes. Returns null if nothing needs to be written.
   *
   * @throws what `commitGeneration` throws
   */
  async commit(): Promise<Committed | null> {
    for await (const step of this.steps()) if (step.kind === "done") return step.committed;
    return null;
  }

  /**
   * Like `commit`, one step at a time. The next step starts when the caller asks for it, so a caller that stops asking
   * stops the commit.
   */
  async *steps(): AsyncGenerator<CommitStep, void> {
    if (this.#isSpent || this.#isDisposed) throw spent();
    this.#isSpent = true;
    for await (const step of this.#write?.() ?? []) {
      if (step.kind === "ready") {
        // Somebody disposed of it while it was being sealed, as `return` without `await` does: it would write zeros.
        if (this.#isDisposed) throw spent();
        // The upload needs as much memory again.
        this.#held[Symbol.dispose]();
      }
      yield step;
    }
  }

  /**
   * Does everything that a commit does before its first write, and stops there.
   *
   * @returns the generation whose missing audit row the commit would append first, or null
   */
  async rehearse(): Promise<number | null> {
    for await (const step of this.steps()) return step.kind === "ready" ? step.outstanding : null;
    return null;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#held[Symbol.dispose]();
  }
}

function spent(): TypeError {
  return new TypeError("a proposal is committed once, and before its disposal");
}

export interface AmendRequest extends OpenRequest {
  readonly annotation: Annotation;
  /** Faults that this commit is about to mend; they do not stop it. */
  readonly mending?: Mending;
}

/** The changes of a commit. Everything left out stays as it is. */
export interface Amendment {
  readonly action: string;
  readonly items?: readonly NamedData[];
  /** Default: all present entries. */
  readonly unlock?: readonly UnlockEntry[];
  /** Takes precedence over the annotation's `meta`. */
  readonly meta?: JsonObject;
  /** Default: unchanged. */
  readonly tokens?: Partial<VaultTokens>;
}

/** What a use-case wants to do with an open vault. */
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

/**
 * The same steps, with errors that tell a failure at the manifest's swap from a failure before it: `rotate-passphrase`
 * has an exit code for each.
 *
 * @throws ManifestSwapFailedError the store refused the swap or could not be reached; the swap was not applied
 * @throws OutcomeUnknownError the outcome of the swap is unknown
 * @throws ConflictError another commit was faster, at any step
 */
export async function* tellingTheSwap(steps: AsyncIterable<CommitStep>): AsyncGenerator<CommitStep, void> {
  let reached: CommitStep["kind"] = "ready";
  try {
    for await (const step of steps) {
      reached = step.kind;
      yield step;
    }
  } catch (error) {
    throw error instanceof VsyncError ? told(error, reached) : error;
  }
}

function told(error: VsyncError, reached: CommitStep["kind"]): VsyncError {
  const isRefused = error instanceof AccessDeniedError || error instanceof S3UnreachableError;
  return reached === "bundle-created" && isRefused ? swapFailed(error) : error;
}

function swapFailed(error: VsyncError): ManifestSwapFailedError {
  return new ManifestSwapFailedError(`the manifest was not swapped: ${error.message}`, {
    hint: error.hint ?? "the vault is as it was: run the same command again",
  });
}
