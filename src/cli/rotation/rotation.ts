import { InputError } from "../../errors.ts";
import type { CommitPhase, CommitPorts } from "../../vault/commit.ts";
import { type RotateRequest, type Rotation, type RotationPlan, rotatePassphrase } from "../../vault/rotate.ts";
import type { TargetInput } from "../config/target.ts";
import { type MetaPair, metaOf } from "../inputs/meta-flag.ts";
import { OLD_PASSPHRASE, type SecretSources } from "../inputs/secret-input.ts";
import { vaultFlagsOf } from "../program/vault-flags.ts";
import { configOf, openSession, remember, type Session } from "../session.ts";
import { refuseUnasked } from "../terminal/confirmation.ts";
import { NewPassphrase } from "./new-passphrase.ts";
import { type Delivery, delivering, deliverToFile, deliverToStdout, NO_DELIVERY } from "./passphrase-delivery.ts";
import { rehearse } from "./rehearsal.ts";
import { refuseOutstanding, renderNextSteps, renderPhase, renderPlan } from "./render-rotation.ts";

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
 * @throws what `rotatePassphrase` throws
 */
export async function rotateVault(input: RotationInput, sources: SecretSources): Promise<void> {
  const { flags } = input;
  metaOf(flags.meta);
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
    sources.prompter.speakUp();
    next.destroy();
    session.request.passphrase.destroy();
  }
}

async function deliveryOf(flags: RotationInput["flags"], env: string, { output }: SecretSources): Promise<Delivery> {
  if (!flags.generate) return NO_DELIVERY;
  return flags.out === undefined ? deliverToStdout(output) : deliverToFile(flags.out, env, output);
}

const NOT_CONFIRMED = "the old passphrase is still the one; --yes confirms without the question";

interface Parts {
  readonly flags: RotationInput["flags"];
  readonly sources: SecretSources;
  readonly session: Session;
  readonly delivery: Delivery;
  readonly next: NewPassphrase;
}

class RotationRun {
  readonly #parts: Parts;
  #plan: RotationPlan | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async commit(): Promise<void> {
    const { flags, sources, session, delivery } = this.#parts;
    const ports = { ...session.ports, onPhase: (phase: CommitPhase) => this.#showPhase(phase) };
    const rotation = await delivering(ports, delivery, (watched) =>
      this.#rotate(watched, (plan) => this.#confirm(plan)),
    );
    if (rotation === null) throw new InputError("not confirmed: nothing was written", { hint: NOT_CONFIRMED });
    const { env } = session.config;
    const vaultFlags = vaultFlagsOf(env, flags);
    renderNextSteps(rotation.plan, { env, vaultFlags, file: flags.out }, sources.output);
    await remember(session.config, rotation.committed.manifest, (text) => sources.output.warn(text));
    refuseOutstanding(rotation.committed, vaultFlags);
  }

  async rehearse(): Promise<void> {
    const { session, sources } = this.#parts;
    const agree = async (plan: RotationPlan): Promise<boolean> => {
      renderPlan(plan, sources.output);
      sources.output.say(`would re-encrypt ${session.config.env} (gen=${plan.prevGen} → gen=${plan.gen})`);
      return true;
    };
    await rehearse(session.ports, (ports) => this.#rotate(ports, agree), sources.output);
  }

  async #rotate(ports: CommitPorts, confirm: RotateRequest["confirm"]): Promise<Rotation | null> {
    const { flags, session, next } = this.#parts;
    const { annotation } = session.request;
    return rotatePassphrase(ports, {
      ...session.request,
      annotation: { ...annotation, meta: metaOf(flags.meta) },
      newPassphrase: next.known ?? (() => next.read()),
      ...(flags.grace === undefined ? {} : { graceMs: flags.grace }),
      confirm,
    });
  }

  async #confirm(plan: RotationPlan): Promise<boolean> {
    const { flags, sources, delivery, next } = this.#parts;
    this.#plan = plan;
    renderPlan(plan, sources.output);
    if (!flags.yes && !(await sources.prompter.confirm("Re-encrypt bundle and push?"))) return false;
    await delivery.prepare(await next.read());
    return true;
  }

  #showPhase(phase: CommitPhase): void {
    if (this.#plan !== undefined) renderPhase(phase, this.#plan, this.#parts.sources.output);
  }
}
