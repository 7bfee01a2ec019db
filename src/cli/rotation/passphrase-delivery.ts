import type { Secret } from "../../crypto/secret.ts";
import { ConflictError, ManifestSwapFailedError } from "../../errors.ts";
import type { CommitPhase, CommitPorts } from "../../vault/commit/commit.ts";

/**
 * How a generated passphrase reaches its owner: never lost once it may open the vault, never left where it would be taken
 * for one that does. See `docs/decisions/0010-generated-passphrases.md`.
 */
export interface Delivery {
  /** Everything is agreed, nothing is written to the store yet. @throws InputError it cannot be delivered */
  prepare(passphrase: Secret): Promise<void>;
  /** The vault opens with what was prepared. */
  complete(): void;
  /** The rotation is over, and stands. @throws PassphraseUndeliveredError its passphrase is not where it belongs */
  confirm(): void;
  /** The swap was not applied, or (`mayBeLive`) nobody knows. Synchronous: a signal may be ending the process. */
  fail(mayBeLive: boolean): void;
}

/** For a passphrase that its owner gave. */
export const NO_DELIVERY: Delivery = { async prepare() {}, complete() {}, confirm() {}, fail() {} };

/** Runs a rotation, and tells the delivery how it ends, also where a signal ends it. */
export async function delivering<T>(
  ports: CommitPorts,
  delivery: Delivery,
  rotate: (ports: CommitPorts) => Promise<T>,
): Promise<T> {
  let reached: CommitPhase | null = null;
  const onPhase = (phase: CommitPhase): void => {
    reached = phase;
    if (phase === "manifest-swapped") delivery.complete();
    ports.onPhase?.(phase);
  };
  const fail = (error?: unknown): void => {
    if (reached === null) delivery.fail(false);
    // The swap is on its way from here on.
    if (reached === "bundle-created") delivery.fail(!isKnownUndone(error));
  };
  const failAtExit = () => fail();
  process.once("exit", failAtExit);
  try {
    return await rotate({ ...ports, onPhase });
  } catch (error) {
    fail(error);
    throw error;
  } finally {
    process.removeListener("exit", failAtExit);
  }
}

function isKnownUndone(error: unknown): boolean {
  return error instanceof ConflictError || error instanceof ManifestSwapFailedError;
}
