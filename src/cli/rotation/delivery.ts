import type { Secret } from "../../crypto/secret.ts";
import { ConflictError, ManifestSwapFailedError } from "../../errors.ts";
import type { CommitStep } from "../../vault/commit/proposal.ts";

/**
 * How a generated passphrase reaches its owner. It is never lost once it may open the vault, and never left where
 * somebody would wrongly think that it does. See `docs/decisions/0010-generated-passphrases.md`.
 */
export interface Delivery {
  /**
   * Called after the user has agreed and before the first write to the store.
   *
   * @throws InputError the passphrase cannot be delivered
   */
  prepare(passphrase: Secret): Promise<void>;
  /** Called once the vault opens with the prepared passphrase. */
  complete(): void;
  /**
   * Called after a rotation that stands.
   *
   * @throws PassphraseUndeliveredError its passphrase did not reach its owner
   */
  confirm(): void;
  /**
   * Called if the swap failed, or (`mayBeLive`) if its outcome is unknown. Synchronous, because a signal may be ending
   * the process.
   */
  fail(mayBeLive: boolean): void;
}

/** For a passphrase that the owner chose. */
export const NO_DELIVERY: Delivery = { async prepare() {}, complete() {}, confirm() {}, fail() {} };

/** Runs the steps of a rotation and tells the delivery how it ends, even if a signal or the caller stops it. */
export async function* delivering(
  steps: AsyncIterable<CommitStep>,
  delivery: Delivery,
  passphrase: Secret,
): AsyncGenerator<CommitStep, void> {
  let reached: CommitStep["kind"] = "ready";
  // Between two steps no request is pending.
  let isUndone = true;
  const fail = (mayBeLive: boolean): void => {
    if (reached === "ready") delivery.fail(false);
    if (reached === "bundle-created") delivery.fail(mayBeLive);
  };
  const failAtExit = (): void => fail(true);
  process.once("exit", failAtExit);
  try {
    await delivery.prepare(passphrase);
    for await (const step of steps) {
      reached = step.kind;
      if (reached === "manifest-swapped") delivery.complete();
      yield step;
    }
  } catch (error) {
    isUndone = error instanceof ConflictError || error instanceof ManifestSwapFailedError;
    throw error;
  } finally {
    process.removeListener("exit", failAtExit);
    fail(!isUndone);
  }
}
