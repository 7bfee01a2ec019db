import { InputError } from "../errors.ts";
import type { CommitPhase } from "../vault/commit.ts";
import type { ObjectStore } from "../vault/ports.ts";
import { type RotateRequest, type Rotation, type RotationPlan, rotatePassphrase } from "../vault/rotate.ts";
import { refuseUnasked } from "./confirmation.ts";
import { type MetaPair, metaOf } from "./meta-flag.ts";
import { NewPassphrase } from "./new-passphrase.ts";
import { type Delivery, delivering, deliverToFile, deliverToStdout, NO_DELIVERY } from "./passphrase-delivery.ts";
import { rehearse } from "./rehearsal.ts";
import { refuseOutstanding, renderNextSteps, renderPhase, renderPlan, renderRehearsal } from "./render-rotation.ts";
import { OLD_PASSPHRASE, type SecretSources } from "./secret-input.ts";
import { configOf, openSession, remember, type Session } from "./session.ts";
import { tellingTheSwap } from "./swap-failure.ts";
import type { TargetInput } from "./target.ts";

export interface RotationInput extends TargetInput {
  readonly flags: TargetInput["flags"] & {
    readonly "old-passphrase-file"?: string | undefined;
    readonly "new-passphrase-file"?: string | undefined;
    readonly generate?: boolean | undefined;
    readonly out?: string | undefined;
    /** Milliseconds. */
    readonly grace?: number | undefined;
    readonly "dry-run"?: boolean | undefined;
    readonly yes?: boolean | undefined;
    readonly note?: string | undefined;
    readonly meta?: readonly MetaPair[] | undefined;
  };
}

/**
 * Rotates the passphrase and says what to do next. What takes neither network nor person is refused first; the old
 * passphrase comes next, and has opened the vault before anybody has to think of a new one.
 *
 * @throws AuditOutstandingError the rotation stands, its audit row is not written
 * @throws InputError also where the question was answered with no
 * @throws what `rotatePassphrase` and `tellingTheSwap` throw
 */
export async function rotateVault(input: RotationInput, sources: SecretSources): Promise<void> {
  const { flags } = input;
  const meta = metaOf(flags.meta);
  const { env } = await configOf(input, () => undefined);
  refuseUnasked(flags, sources.prompter);
  const next = new NewPassphrase(flags, sources);
  const delivery = await deliveryOf(flags, env, sources);
  const old = { ...flags, "passphrase-file": flags["old-passphrase-file"] };
  const session = await openSession({ ...input, flags: old }, sources, OLD_PASSPHRASE);
  try {
    await next.readEarly();
    const run = new RotationRun({ flags, sources, session, delivery, next });
    await (flags["dry-run"] ? run.rehearse() : run.commit());
  } finally {
    next.destroy();
    session.request.passphrase.destroy();
  }
}

async function deliveryOf(flags: RotationInput["flags"], env: string, { output }: SecretSources): Promise<Delivery> {
  if (!flags.generate || flags["dry-run"]) return NO_DELIVERY;
  return flags.out === undefined ? deliverToStdout(output) : deliverToFile(flags.out, env, output);
}

interface Parts {
  readonly flags: RotationInput["flags"];
  readonly sources: SecretSources;
  readonly session: Session;
  readonly delivery: Delivery;
  readonly next: NewPassphrase;
}

class RotationRun {
  readonly #parts: Parts;
  #plan: RotationPlan | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }
}
