import type { JsonObject } from "../canonical-json.ts";
import { type KdfCost } from "../crypto/argon2id.ts";
import { encodeBase64 } from "../crypto/base64.ts";
import { type Secret } from "../crypto/secret.ts";
import { generateSigningKey } from "../crypto/signing.ts";
import { InputError } from "../errors.ts";
import { collectGarbage } from "../memory.ts";
import type { Random } from "../ports.ts";
import { type CommitPorts, commitGeneration } from "./commit/commit.ts";
import { baseOn, type Draft } from "./commit/draft.ts";
import { renewedKeys } from "./commit/gateway-keys.ts";
import { openForCommit, type WritableVault } from "./commit/open-for-commit.ts";
import { type AmendRequest, type CommitStep, Proposal, tellingTheSwap } from "./commit/proposal.ts";
import type { VaultTokens } from "./commit/vault-tokens.ts";
import { LAST_INSTANT_MS } from "./format/object-keys.ts";
import { withAnchor } from "./format/tokens/anchors.ts";
import { liveIn } from "./format/tokens/roll.ts";
import type { OpenedVault } from "./open/open.ts";
import { baseOf } from "./tokens/amend-roll.ts";
import { revokedIn } from "./tokens/end.ts";
import type { TokenSummary } from "./tokens/summary.ts";
import { accessOf, type SlotAccess } from "./unlock/entries.ts";
import { freshCost, PassphraseHolder } from "./unlock/passphrase-holder.ts";

export interface RotationRequest extends AmendRequest {
  /** The holder of the old passphrase. */
  readonly holder: PassphraseHolder;
  /**
   * Set if somebody else knows the old passphrase, and with it the anchors: the rotation draws a new anchor, and keeps
   * or revokes the tokens. If absent, holders of tokens notice nothing.
   */
  readonly leaked?: { readonly tokens: "keep" | "revoke" };
}

export interface RotationOptions {
  readonly newPassphrase: Secret;
  /** How long the old passphrase still reads. If absent, it ends at once. */
  readonly graceMs?: number;
  /** Argon2id cost of the new passphrase. Default: RFC 9106's second recommended option. */
  readonly cost?: Omit<KdfCost, "salt">;
}

export interface RotationPlan {
  readonly prevGen: number;
  readonly gen: number;
  /** The end of the old passphrase's grace window, if it has one. */
  readonly graceUntil: string | null;
  /** Others who can open the vault now and will lose access. */
  readonly dropped: readonly SlotAccess[];
  /** The live tokens. They keep working unless the rotation revokes them. */
  readonly tokens: readonly TokenSummary[];
  /** The time of the proposal, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** A vault that the old passphrase has opened. Ask for the new passphrase only now. */
export interface OpenedRotation extends Disposable {
  /**
   * Proposes to re-encrypt the vault under the new passphrase, with fresh keys, salt, nonces and signing key.
   *
   * @throws InputError the new passphrase is empty, or an entry of the vault still knows it; the grace window does not
   * end, or the passphrase leaked
   */
  propose(options: RotationOptions): Promise<Proposal<RotationPlan>>;
}

/**
 * Opens a vault with the passphrase that a rotation is to replace.
 *
 * @throws InputError it was rotated away already and only reads
 * @throws what `openForCommit` throws
 */
export async function openRotation(ports: CommitPorts, request: RotationRequest): Promise<OpenedRotation> {
  const { leaked } = request;
  const mending = { leaked: leaked !== undefined, revoking: () => leaked?.tokens === "revoke" };
  const writable = await openForCommit(ports, { ...request, mending });
  const held: Disposable[] = [writable];
  return {
    async propose(options) {
      requireNewPassphrase(request.holder, options.newPassphrase);
      if (leaked !== undefined) requireNoGrace(options);
      await requireUnknownPassphrase(writable.vault, options.newPassphrase);
      const plan = await planRotation(ports, options, writable);
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
 * The holder's own entry has just been compared, so this derives keys only for other people's passphrases and open
 * grace windows: three at most.
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

function requireNoGrace({ graceMs }: RotationOptions): void {
  if (graceMs === undefined) return;
  throw new InputError("a passphrase that leaked gets no grace window", { hint: "leave out --grace" });
}

async function planRotation(
  ports: CommitPorts,
  { graceMs }: RotationOptions,
  { vault, tokens }: WritableVault,
): Promise<RotationPlan> {
  const { manifest, unlocked } = vault;
  const base = baseOf(ports, vault, tokens);
  const { nowMs } = base;
  return {
    atMs: nowMs,
    prevGen: manifest.gen,
    gen: manifest.gen + 1,
    graceUntil: graceMs === undefined ? null : windowEnd(nowMs, graceMs),
    dropped: accessOf(manifest, nowMs).filter(({ slot }) => slot !== unlocked.slot),
    tokens: await Promise.all(liveIn(tokens.roll, nowMs).map(base.summarize)),
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
  collectGarbage();
  next.prepare();
  const base = baseOn({ ...writable.vault, signingKey: writable.signingKey });
  yield* commitGeneration(ports, base, () => rotationDraft(request, writable, plan, next, ports.random));
}

async function rotationDraft(
  request: RotationRequest,
  { vault, tokens }: WritableVault,
  plan: RotationPlan,
  next: PassphraseHolder,
  random: Random,
): Promise<Draft> {
  const { manifest } = vault;
  const signingKey = generateSigningKey();
  const by = { vault: manifest.vault, env: manifest.env, signer: encodeBase64(signingKey.publicKey) };
  const grace = plan.graceUntil === null ? [] : [await request.holder.retire(manifest, by, plan.graceUntil)];
  const isLeak: JsonObject = request.leaked === undefined ? {} : { leaked: true, tokens: request.leaked.tokens };
  const own: JsonObject = { event: "rotate", gen: plan.gen, prev_gen: plan.prevGen, ...isLeak };
  return {
    ...request.annotation,
    action: "rotate",
    meta: { ...own, ...request.annotation.meta, ...own },
    items: vault.bundle.items,
    // The new passphrase first, because most readers will have it.
    unlock: [await next.enrol(freshSlot(plan, vault), by), ...grace],
    signingKey,
    rotates: true,
    tokens: request.leaked === undefined ? tokens : afterLeak(tokens, plan, request.leaked, random),
  };
}

/**
 * Somebody who knew the passphrase also knew the anchors, and can forge manifests for every host that pins one of them.
 * The old anchors still certify, so nothing stops working; a host is safe once it has the new `VSYNC_CONFIG`, which
 * pins the new anchor.
 */
function afterLeak(
  { roll, anchors, gatewaySigners }: VaultTokens,
  plan: RotationPlan,
  { tokens }: NonNullable<RotationRequest["leaked"]>,
  random: Random,
): VaultTokens {
  const ended = new Set(tokens === "revoke" ? plan.tokens.map(({ id }) => id) : []);
  const records = new Set(roll.tokens.filter(({ claims }) => ended.has(claims.id)));
  const neverHadOne = anchors.length === 0 && roll.tokens.length === 0;
  const renewed = renewedKeys({ roll, anchors, gatewaySigners }, { random, atMs: plan.atMs });
  return {
    ...renewed,
    roll: revokedIn(renewed.roll, records, plan.atMs),
    anchors: neverHadOne ? [] : withAnchor(anchors, generateSigningKey()),
  };
}

/** Somebody who knew the old passphrase may have given a slot the name that comes next. */
function freshSlot({ gen, graceUntil }: RotationPlan, { unlocked }: OpenedVault): string {
  const name = `p${gen}`;
  return graceUntil !== null && unlocked.slot === name ? `${name}-new` : name;
}
