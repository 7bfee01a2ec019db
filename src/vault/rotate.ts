import type { JsonObject } from "../canonical-json.ts";
import { type KdfCost } from "../crypto/argon2id.ts";
import { encodeBase64 } from "../crypto/base64.ts";
import { type Secret } from "../crypto/secret.ts";
import { generateSigningKey } from "../crypto/signing.ts";
import { InputError } from "../errors.ts";
import { type AmendRequest } from "./commit/amend.ts";
import { type CommitPorts, commitGeneration } from "./commit/commit.ts";
import { baseOn, type Draft } from "./commit/draft.ts";
import { openForCommit, type WritableVault } from "./commit/open-for-commit.ts";
import { type CommitStep, Proposal } from "./commit/proposal.ts";
import { tellingTheSwap } from "./commit/swap-manifest.ts";
import { LAST_INSTANT_MS } from "./format/object-keys.ts";
import type { OpenedVault } from "./open/open.ts";
import { accessOf, type SlotAccess } from "./unlock/entries.ts";
import { freshCost, PassphraseHolder } from "./unlock/passphrase-holder.ts";

export interface RotationRequest extends AmendRequest {
  /** Of the old passphrase. */
  readonly holder: PassphraseHolder;
}

export interface RotationOptions {
  readonly newPassphrase: Secret;
  /** How long the old passphrase keeps reading; absent: it ends at once. */
  readonly graceMs?: number;
  /** Argon2id cost of the new passphrase. Default: RFC 9106's second recommended option. */
  readonly cost?: Omit<KdfCost, "salt">;
}

export interface RotationPlan {
  readonly prevGen: number;
  readonly gen: number;
  /** The end of the old passphrase's grace window, if it has one. */
  readonly graceUntil: string | null;
  /** Others who open the vault now and no longer will. */
  readonly dropped: readonly SlotAccess[];
}

/** A vault that its old passphrase has opened: now it is worth asking somebody for a new one. */
export interface OpenedRotation extends Disposable {
  /**
   * Proposes to re-encrypt the vault under the new passphrase, with fresh keys, salt, nonces and signing key.
   *
   * @throws InputError the new passphrase is empty, or an entry of the vault still knows it; the grace window has no end
   */
  propose(options: RotationOptions): Promise<Proposal<RotationPlan>>;
}

/**
 * Opens a vault with the passphrase that is to be rotated away.
 *
 * @throws InputError it was rotated away already, and only reads
 * @throws what `openForCommit` throws
 */
export async function openRotation(ports: CommitPorts, request: RotationRequest): Promise<OpenedRotation> {
  const writable = await openForCommit(ports, request);
  const held: Disposable[] = [writable];
  return {
    async propose(options) {
      requireNewPassphrase(request.holder, options.newPassphrase);
      await requireUnknownPassphrase(writable.vault, options.newPassphrase);
      const plan = planRotation(ports, options, writable.vault);
      const write = () => tellingTheSwap(reEncrypt(ports, request, writable, { ...options, ...plan }));
      const proposal = new Proposal(plan, write, writable);
      held.push(proposal);
      return proposal;
    },
    [Symbol.dispose]: () => held.forEach((it) => it[Symbol.dispose]()),
  };
}

/** @throws InputError the new passphrase is empty, or the old one */
export function requireNewPassphrase(holder: PassphraseHolder, newPassphrase: Secret): void {
  if (newPassphrase.expose().length === 0) {
    throw new InputError("the new passphrase is empty", { hint: "give one, or let --generate make one" });
  }
  if (!holder.isOf(newPassphrase)) return;
  throw new InputError("the new passphrase is the old one", { hint: "choose another, or let --generate make one" });
}

/**
 * Its own entry has just been compared, so this derives only where somebody else's passphrase or a grace window is left:
 * three times at most.
 */
async function requireUnknownPassphrase({ manifest, unlocked }: OpenedVault, newPassphrase: Secret): Promise<void> {
  using next = new PassphraseHolder(newPassphrase);
  const entry = await next.entryIn(manifest, { besides: unlocked.slot });
  if (entry === null) return;
  const [{ until } = { until: null }] = accessOf({ unlock: [entry] }, 0);
  const opens = until === null ? "still opens the vault" : `still opens the vault, or did until ${until}`;
  throw new InputError(`this passphrase ${opens}: choose one that was never used`, {
    hint: "let --generate make one",
  });
}

function planRotation(ports: CommitPorts, { graceMs }: RotationOptions, vault: OpenedVault): RotationPlan {
  const { manifest, unlocked } = vault;
  const nowMs = ports.clock.nowMs();
  return {
    prevGen: manifest.gen,
    gen: manifest.gen + 1,
    graceUntil: graceMs === undefined ? null : windowEnd(nowMs, graceMs),
    dropped: accessOf(manifest, nowMs).filter(({ slot }) => slot !== unlocked.slot),
  };
}

function windowEnd(nowMs: number, graceMs: number): string {
  const endMs = nowMs + graceMs;
  if (graceMs > 0 && endMs <= LAST_INSTANT_MS) return new Date(endMs).toISOString();
  throw new InputError("the grace window must be positive and end before the year 10000", {
    hint: "give it as in --grace=24h",
  });
}

async function* reEncrypt(
  ports: CommitPorts,
  request: RotationRequest,
  writable: WritableVault,
  { newPassphrase, cost, ...plan }: RotationOptions & RotationPlan,
): AsyncGenerator<CommitStep, void> {
  using next = new PassphraseHolder(newPassphrase, { cost: freshCost(ports.random, cost) });
  next.prepare();
  const base = baseOn({ ...writable.vault, signingKey: writable.signingKey });
  yield* commitGeneration(ports, base, () => rotationDraft(request, writable, plan, next));
}

async function rotationDraft(
  request: RotationRequest,
  { vault, tokens }: WritableVault,
  plan: RotationPlan,
  next: PassphraseHolder,
): Promise<Draft> {
  const { manifest } = vault;
  const signingKey = generateSigningKey();
  const by = { vault: manifest.vault, env: manifest.env, signer: encodeBase64(signingKey.publicKey) };
  const grace = plan.graceUntil === null ? [] : [await request.holder.retire(manifest, by, plan.graceUntil)];
  const own: JsonObject = { event: "rotate", gen: plan.gen, prev_gen: plan.prevGen };
  return {
    ...request.annotation,
    action: "rotate",
    meta: { ...own, ...request.annotation.meta, ...own },
    items: vault.bundle.items,
    // The new passphrase first: most readers will have that one.
    unlock: [await next.enrol(freshSlot(plan, vault), by), ...grace],
    signingKey,
    rotates: true,
    tokens,
  };
}

/** Somebody who knew the old passphrase may have given its slot the name that would come next. */
function freshSlot({ gen, graceUntil }: RotationPlan, { unlocked }: OpenedVault): string {
  const name = `p${gen}`;
  return graceUntil !== null && unlocked.slot === name ? `${name}-new` : name;
}
