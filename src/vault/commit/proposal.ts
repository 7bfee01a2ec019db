import type { VsyncError } from "../../errors.ts";
import type { Manifest } from "../format/manifest.ts";

export interface Committed {
  readonly manifest: Manifest;
  /** Why the audit row is missing, or null. The commit stands, and the next one appends the row. */
  readonly auditFault: VsyncError | null;
}

/** The progress of a commit. */
export type CommitStep =
  /** Everything is checked and sealed; the next step writes, first the row of `outstanding` if it is missing. */
  | { readonly kind: "ready"; readonly outstanding: number | null }
  /** The next step swaps this manifest in. */
  | { readonly kind: "bundle-created"; readonly manifest: Manifest }
  | { readonly kind: "manifest-swapped" }
  | { readonly kind: "done"; readonly committed: Committed };

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
   * Like `commit`, one step at a time: the next step starts when the caller asks for it, and a caller that stops asking
   * stops the commit.
   */
  async *steps(): AsyncGenerator<CommitStep, void> {
    if (this.#isSpent || this.#isDisposed) throw spent();
    this.#isSpent = true;
    for await (const step of this.#write?.() ?? []) {
      if (step.kind === "ready") {
        // Disposed of during sealing, as by a `return` without `await`: it would write zeros.
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
   * @returns the generation whose audit row is missing and would be appended first, or null
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
