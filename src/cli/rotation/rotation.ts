import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import type { CommitStep, Committed, Proposal } from "../../vault/commit/proposal.ts";
import { type FinishPlan, proposeFinish } from "../../vault/finish.ts";
import { openRotation, type RotationPlan, type RotationRequest, requireNewPassphrase } from "../../vault/rotate.ts";
import type { Target } from "../config/target.ts";
import { type HandOver, handingOver } from "../delivery/hand-over.ts";
import { OLD_PASSPHRASE, type SecretSources } from "../inputs/secret-input.ts";
import { configOf } from "../session/config.ts";
import { warnOfOldPlaces } from "../session/old-places.ts";
import { openSession, type SessionInput, sessionOn } from "../session/session.ts";
import { type ConsentFlags, notConfirmed, requireAnswerable, requireConsent } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";
import { type Ending, endingOf } from "./ask-grace.ts";
import { NewPassphrase, type NewPassphraseFlags } from "./new-passphrase.ts";
import { PassphraseFile } from "./passphrase-file.ts";
import { handOverOnStdout } from "./passphrase-on-stdout.ts";
import {
  refuseOutstanding,
  renderFinished,
  renderNextSteps,
  renderPlan,
  renderStep,
  slotsOf,
} from "./render-rotation.ts";

export interface RotationInput extends SessionInput {
  readonly flags: SessionInput["flags"] &
    NewPassphraseFlags &
    Ending &
    ConsentFlags & {
      readonly "old-passphrase-file"?: string | undefined;
      readonly out?: string | undefined;
      readonly json?: boolean | undefined;
    };
}

/**
 * Rotates the passphrase and says what to do next. It first checks everything that needs neither the network nor the
 * user. Then the old passphrase has to open the vault; only after that does it ask for a new one.
 *
 * @throws AuditOutstandingError the rotation stands, but its audit row is missing
 * @throws InputError bad input, or the user declines
 * @throws what `openRotation`, `propose` and `commit` throw
 */
export async function rotateVault(input: RotationInput, sources: SecretSources): Promise<void> {
  const { output } = sources;
  const config = await configOf(input, sources, { use: "write", wantsEnv: true });
  requireAnswerable(input.flags, sources.prompter);
  leakOf(input.flags);
  refuseTwoResults(input.flags);
  using next = new NewPassphrase(input.flags, sources);
  const flags = await endingOf(input.flags, sources.prompter);
  const { grace: graceMs } = flags;
  const handOver = await handOverOf(flags, config, output);
  const old = { ...flags, "passphrase-file": flags["old-passphrase-file"] };
  using session = await sessionOn(config, old, sources, OLD_PASSPHRASE);
  const early = await next.readEarly();
  if (early !== null) requireNewPassphrase(session.request.holder, early);
  using rotation = await openRotation(session.ports, { ...session.request, ...leakOf(flags) });
  const newPassphrase = await next.read();
  using proposal = await rotation.propose({
    newPassphrase,
    ...(graceMs === undefined ? {} : { graceMs }),
  });
  const { plan } = proposal;
  renderPlan(plan, flags.tokens, output);
  if (flags["dry-run"]) {
    output.say(`would re-encrypt ${config.env} (gen=${plan.prevGen} → gen=${plan.gen})`);
    return await rehearse(proposal, output);
  }
  await requireConfirmation(flags, sources);
  const committed = await show(handingOver(prepared(proposal, handOver, newPassphrase), handOver), plan, output);
  renderNextSteps(plan, { config, file: flags.out, keepsTokens: flags.tokens === "keep" }, output);
  await warnOfOldPlaces(config, output);
  await session.remember(committed.manifest);
  refuseOutstanding(committed, config);
  handOver.confirm();
  if (flags.json) output.json({ env: config.env, gen: plan.gen, prev_gen: plan.prevGen, old_until: plan.graceUntil });
}

/**
 * @throws InputError both the passphrase and the JSON would go to stdout
 */
function refuseTwoResults({ json, generate, out }: RotationInput["flags"]): void {
  if (!json || !generate || out !== undefined) return;
  throw new InputError("--json and --generate would both print on stdout", {
    hint: "write the new passphrase to a file: --out=<file>",
  });
}

/**
 * @throws InputError neither a flag nor an answer says what happens to the tokens
 */
function leakOf({ leaked, tokens }: RotationInput["flags"]): Pick<RotationRequest, "leaked"> {
  if (!leaked) return {};
  if (tokens !== undefined) return { leaked: { tokens } };
  throw new InputError("--leaked does not say what happens to scoped tokens", {
    hint: "give --tokens=keep, or --tokens=revoke if the leak may have reached them too",
  });
}

/** For a passphrase that the owner chose. */
const NO_HAND_OVER: HandOver<Secret> = { async prepare() {}, complete() {}, confirm() {}, fail() {} };

async function handOverOf(
  { generate, out }: RotationInput["flags"],
  config: Target,
  output: Output,
): Promise<HandOver<Secret>> {
  if (!generate) return NO_HAND_OVER;
  return out === undefined ? handOverOnStdout(config, output) : PassphraseFile.at(out, config, output);
}

async function* prepared(proposal: Proposal<unknown>, handOver: HandOver<Secret>, passphrase: Secret) {
  await handOver.prepare(passphrase);
  yield* proposal.steps();
}

async function requireConfirmation(flags: RotationInput["flags"], { prompter }: SecretSources): Promise<void> {
  if (flags.yes || (await prompter.confirm("Re-encrypt bundle and push?"))) return;
  throw notConfirmed("the old passphrase is still in force; --yes confirms without the question");
}

async function show(steps: AsyncIterable<CommitStep>, plan: RotationPlan, output: Output): Promise<Committed> {
  for await (const step of steps) {
    renderStep(step, plan, output);
    if (step.kind === "done") return step.committed;
  }
  throw new TypeError("a rotation always commits");
}

/** Does everything up to the first write, so it refuses everything that a commit would refuse before that. */
async function rehearse(proposal: Proposal<unknown>, output: Output): Promise<void> {
  const outstanding = await proposal.rehearse();
  if (outstanding !== null) output.say(`the outstanding audit row of gen=${outstanding} would be appended first`);
  output.say("dry run: nothing was written");
}

/**
 * Ends the grace window now, with the passphrase that the rotation set. Does nothing if no window is open.
 *
 * @throws AuditOutstandingError the window has ended, but the audit row is missing
 * @throws what `proposeFinish` and `commit` throw
 */
export async function finishVaultRotation(input: RotationInput, sources: SecretSources): Promise<void> {
  const { flags } = input;
  const { output } = sources;
  using session = await openSession(input, sources, { use: "write", wantsEnv: true });
  const { env } = session.config;
  using proposal = await proposeFinish(session.ports, session.request);
  const { plan } = proposal;
  if (flags["dry-run"]) {
    if (plan.dropped.length > 0) output.say(`would end the grace window of ${slotsOf(plan.dropped)}`);
    if (plan.anchors > 0) output.say("would end the anchors from before the leak");
    return await rehearse(proposal, output);
  }
  await requireConsentToFinish(plan, session.config, flags, sources);
  const committed = await proposal.commit();
  if (committed === null) return output.done(`No grace window is open in ${env}: nothing to finish`);
  renderFinished(plan, committed, env, output);
  await session.remember(committed.manifest);
  refuseOutstanding(committed, session.config);
  if (flags.json)
    output.json({ env, gen: committed.manifest.gen, prev_gen: committed.manifest.prev_gen, old_until: null });
}

/**
 * If the window is over, nobody loses access, and it does not ask. `--yes` is enough here even for a protected env,
 * because scripts rely on that.
 */
async function requireConsentToFinish(
  { dropped, anchors }: FinishPlan,
  { repo, env }: Target,
  flags: RotationInput["flags"],
  { prompter }: SecretSources,
): Promise<void> {
  const reader = dropped.find(({ access }) => access === "read");
  if (reader === undefined && anchors === 0) return;
  const parts = [...(reader === undefined ? [] : ["old passphrase"]), ...(anchors === 0 ? [] : ["old anchors"])];
  const what = `the ${parts.join(" and the ")} of ${repo}/${env}`;
  await requireConsent(
    {
      env,
      isProtected: false,
      question: `Retire ${what} now?`,
      refusal: `this would retire ${what}${reader === undefined ? "" : `, which reads until ${reader.until}`}`,
      otherwise: `retire ${anchors > 0 ? "them" : "it"} once all ${anchors === 0 ? "apps have the new one" : "hosts have the new VSYNC_CONFIG"}`,
    },
    flags,
    prompter,
  );
}
