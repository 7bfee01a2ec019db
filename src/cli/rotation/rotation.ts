import { InputError } from "../../errors.ts";
import type { CommitPhase, CommitPorts } from "../../vault/commit/commit.ts";
import { type RotateRequest, type Rotation, type RotationPlan, rotatePassphrase } from "../../vault/rotate.ts";
import { vaultFlagsOf } from "../command/flags.ts";
import type { Target, TargetInput } from "../config/target.ts";
import type { MetaPair } from "../inputs/meta-flag.ts";
import { OLD_PASSPHRASE, type SecretSources } from "../inputs/secret-input.ts";
import { configOf, remember, type Session, sessionOn } from "../session/session.ts";
import { refuseUnasked } from "../terminal/prompter.ts";
import { NewPassphrase } from "./new-passphrase.ts";
import { type Delivery, delivering, NO_DELIVERY } from "./passphrase-delivery.ts";
import { deliverToFile } from "./passphrase-file.ts";
import { deliverToStdout } from "./passphrase-on-stdout.ts";
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
 * Rotates the passphrase and says what to do next. What can be refused without network or person is refused first; then
 * the old passphrase has to open the vault, before anybody is asked to think of a new one.
 *
 * @throws AuditOutstandingError the rotation stands, its audit row is not written
 * @throws InputError also where the question was answered with no
 * @throws what `rotatePassphrase` throws
 */
export async function rotateVault(input: RotationInput, sources: SecretSources): Promise<void> {
  const { flags } = input;
  const config = await configOf(input, (text) => sources.output.warn(text));
  refuseUnasked(flags, sources.prompter);
  const next = new NewPassphrase(flags, sources);
  const delivery = await deliveryOf(flags, config, sources);
  const old = { ...flags, "passphrase-file": flags["old-passphrase-file"] };
  using session = await sessionOn(config, old, sources, OLD_PASSPHRASE);
  try {
    await next.readEarly();
    const run = { flags, sources, session, delivery, next };
    await (flags["dry-run"] ? rehearseRotation(run) : commitRotation(run));
  } finally {
    sources.prompter.speakUp();
    next.destroy();
  }
}

async function deliveryOf(
  flags: RotationInput["flags"],
  { repo, env }: Target,
  { output }: SecretSources,
): Promise<Delivery> {
  if (!flags.generate) return NO_DELIVERY;
  return flags.out === undefined ? deliverToStdout({ repo, env }, output) : deliverToFile(flags.out, env, output);
}

/** One rotation: what it was told, and what it works with. */
interface RotationRun {
  readonly flags: RotationInput["flags"];
  readonly sources: SecretSources;
  readonly session: Session;
  readonly delivery: Delivery;
  readonly next: NewPassphrase;
}

const NOT_CONFIRMED = "the old passphrase is still in force; --yes confirms without the question";

async function commitRotation(run: RotationRun): Promise<void> {
  const { flags, session, delivery } = run;
  const { output } = run.sources;
  let plan: RotationPlan | undefined;
  const confirm = async (proposed: RotationPlan): Promise<boolean> => {
    plan = proposed;
    return isConfirmed(proposed, run);
  };
  const onPhase = (phase: CommitPhase): void => {
    if (plan !== undefined) renderPhase(phase, plan, output);
  };
  const ports = { ...session.ports, onPhase };
  const rotation = await delivering(ports, delivery, (watched) => rotate(watched, run, confirm));
  if (rotation === null) throw new InputError("not confirmed: nothing was written", { hint: NOT_CONFIRMED });
  const { env } = session.config;
  const vaultFlags = vaultFlagsOf(env, flags);
  renderNextSteps(rotation.plan, { env, vaultFlags, file: flags.out }, output);
  await remember(session.config, rotation.committed.manifest, (text) => output.warn(text));
  refuseOutstanding(rotation.committed, vaultFlags);
  delivery.confirm();
}

async function isConfirmed(plan: RotationPlan, { flags, sources, delivery, next }: RotationRun): Promise<boolean> {
  renderPlan(plan, sources.output);
  if (!flags.yes && !(await sources.prompter.confirm("Re-encrypt bundle and push?"))) return false;
  await delivery.prepare(await next.read());
  return true;
}

async function rehearseRotation(run: RotationRun): Promise<void> {
  const { session } = run;
  const { output } = run.sources;
  const agree = async (plan: RotationPlan): Promise<boolean> => {
    renderPlan(plan, output);
    output.say(`would re-encrypt ${session.config.env} (gen=${plan.prevGen} → gen=${plan.gen})`);
    return true;
  };
  await rehearse(session.ports, (ports) => rotate(ports, run, agree), output);
}

function rotate(ports: CommitPorts, run: RotationRun, confirm: RotateRequest["confirm"]): Promise<Rotation | null> {
  const { flags, session, next } = run;
  return rotatePassphrase(ports, {
    ...session.request,
    newPassphrase: next.known ?? (() => next.read()),
    ...(flags.grace === undefined ? {} : { graceMs: flags.grace }),
    confirm,
  });
}
