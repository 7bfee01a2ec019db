import { InputError, OutcomeUnknownError, VsyncError } from "../../errors.ts";
import type { CommitStep } from "../../vault/commit/proposal.ts";
import { stdoutFault } from "../terminal/standard-streams.ts";

/**
 * How a new credential, a generated passphrase or a token, reaches its owner. vsync cannot print it again. It is never
 * lost once it may open the vault, and never left where somebody would wrongly think that it does. See
 * `docs/decisions/0010-generated-passphrases.md`.
 */
export interface HandOver<Content> {
  /**
   * Called with the passphrase before the first write to the store, or before each swap with the manifest that names
   * the token.
   *
   * @throws InputError it cannot be handed over
   */
  prepare(content: Content): Promise<void>;
  /** Called once the vault opens with it. Never throws, because the audit row is still to be written. */
  complete(): void;
  /**
   * Called after a commit that stands.
   *
   * @throws PassphraseUndeliveredError, TokenUndeliveredError it did not reach its owner
   */
  confirm(): void;
  /**
   * Called if the commit failed, or (`mayBeLive`) if its outcome is unknown. Synchronous, because a signal may be
   * ending the process.
   */
  fail(mayBeLive: boolean): void;
}

/** Runs the steps of a commit and tells the hand-over how it ends, even if a signal or the caller stops it. */
export async function* handingOver(
  steps: AsyncIterable<CommitStep>,
  handOver: HandOver<never>,
): AsyncGenerator<CommitStep, void> {
  let state: "unsent" | "sent" | "complete" = "unsent";
  // Between two steps no request is pending.
  let isUndone = true;
  const fail = (mayBeLive: boolean): void => {
    if (state !== "complete") handOver.fail(mayBeLive && state === "sent");
  };
  const failAtExit = (): void => fail(true);
  process.once("exit", failAtExit);
  try {
    for await (const step of steps) {
      if (step.kind === "bundle-created") state = "sent";
      else if (step.kind !== "ready" && state !== "complete") {
        handOver.complete();
        state = "complete";
      }
      yield step;
    }
  } catch (error) {
    isUndone = error instanceof VsyncError && !(error instanceof OutcomeUnknownError);
    throw error;
  } finally {
    process.removeListener("exit", failAtExit);
    fail(!isUndone);
  }
}

/**
 * Fails early if stdout would lose the new credential.
 *
 * @throws InputError stdout leads nowhere
 */
export function requireStdout(what: "passphrase" | "token"): void {
  const fault = stdoutFault();
  if (fault === null) return;
  throw new InputError(`the new ${what} would be lost: stdout ${fault}`, {
    hint: "name a file for it with --out=<file>, or connect stdout to its recipient",
  });
}
