import { type KdfCost } from "../crypto/argon2id.ts";
import { encodeBase64 } from "../crypto/base64.ts";
import { Secret } from "../crypto/secret.ts";
import { generateSigningKey } from "../crypto/signing.ts";
import { InputError } from "../errors.ts";
import { type AmendRequest } from "./commit/amend.ts";
import { type CommitPorts, type Committed, commitGeneration } from "./commit/commit.ts";
import { baseOn, type Draft } from "./commit/draft.ts";
import { withNeighbours } from "./commit/neighbours.ts";
import { openForCommit, type WritableVault } from "./commit/open-for-commit.ts";
import { tellingTheSwap } from "./commit/swap-failure.ts";
import type { JsonObject } from "./format/canonical-json.ts";
import { LAST_INSTANT_MS } from "./format/object-keys.ts";
import type { OpenedVault } from "./open/open.ts";
import type { OpenedBundle } from "./open/open-bundle.ts";
import { release } from "./release.ts";
import { accessOf, type SlotAccess } from "./unlock/entries.ts";
import { freshCost, PassphraseHolder } from "./unlock/passphrase-holder.ts";

export interface RotateRequest extends AmendRequest {
  readonly holder: PassphraseHolder;
  /** Or who gives it: asked once the old one has opened the vault, so that nobody thinks of a new one in vain. */
  readonly newPassphrase: Secret | (() => Promise<Secret>);
  /** How long the old passphrase keeps reading; absent: it ends at once. */
  readonly graceMs?: number;
  /** Argon2id cost of the new slot. Default: RFC 9106's second recommended option. */
  readonly cost?: Omit<KdfCost, "salt">;
  /** Shown before the first write; false ends the rotation. */
  confirm(plan: RotationPlan): Promise<boolean>;
}

export interface RotationPlan {
  readonly prevGen: number;
  readonly gen: number;
  /** The end of the old passphrase's grace window, if it has one. */
  readonly graceUntil: string | null;
  /** Slots that this rotation shuts out, beside the old passphrase's own. */
  readonly dropped: readonly SlotAccess[];
}

export interface Rotation {
  readonly plan: RotationPlan;
  readonly committed: Committed;
}

/**
 * Re-encrypts the vault under a new passphrase, with fresh keys, salt, nonces and signing key, and swaps the manifest.
 * Null where `confirm` said no.
 *
 * @throws InputError the new passphrase is the old one, or the grace window has no end that can be written
 * @throws what opening, committing and `tellingTheSwap` throw
 */
export async function rotatePassphrase(ports: CommitPorts, request: RotateRequest): Promise<Rotation | null> {
  const { newPassphrase, holder } = request;
  if (newPassphrase instanceof Secret) requireNewPassphrase(holder, newPassphrase);
  const writable = await openForCommit(ports, request);
  const next = newPassphrase instanceof Secret ? newPassphrase : await newPassphrase();
  requireNewPassphrase(holder, next);
  const plan = planRotation(ports, request, writable.vault);
  if (!(await request.confirm(plan))) return null;
  return { plan, committed: await reEncrypt(ports, request, writable, plan, next) };
}

function requireNewPassphrase(holder: PassphraseHolder, newPassphrase: Secret): void {
  if (newPassphrase.expose().length === 0) {
    throw new InputError("the new passphrase is empty", { hint: "give one, or let --generate make one" });
  }
  if (!holder.isOf(newPassphrase)) return;
  throw new InputError("the new passphrase is the old one", { hint: "choose another, or let --generate make one" });
}

function planRotation(ports: CommitPorts, request: RotateRequest, vault: OpenedVault): RotationPlan {
  const { manifest, unlocked } = vault;
  const nowMs = ports.clock.nowMs();
  return {
    prevGen: manifest.gen,
    gen: manifest.gen + 1,
    graceUntil: request.graceMs === undefined ? null : windowEnd(nowMs, request.graceMs),
    dropped: accessOf(manifest, nowMs).filter(({ slot }) => slot !== unlocked.slot),
  };
}

function windowEnd(nowMs: number, graceMs: number): string {
  const endMs = nowMs + graceMs;
  if (graceMs >= 0 && endMs <= LAST_INSTANT_MS) return new Date(endMs).toISOString();
  throw new InputError(`a grace window of ${graceMs} ms ends at no time that can be written`, {
    hint: "give it as in --grace=24h",
  });
}

/** What a commit only reads is read while the new passphrase is derived. */
async function reEncrypt(
  ports: CommitPorts,
  request: RotateRequest,
  writable: WritableVault,
  plan: RotationPlan,
  newPassphrase: Secret,
): Promise<Committed> {
  using next = new PassphraseHolder(newPassphrase, { cost: freshCost(ports.random, request.cost) });
  next.prepare();
  const base = baseOn({ ...writable.vault, signingKey: writable.signingKey });
  return await withNeighbours(ports.store, plan.gen, async (neighbours) => {
    const draft = await rotationDraft(request, writable, plan, next);
    return await tellingTheSwap(ports, (told) => commitGeneration(told, base, draft, neighbours));
  });
}

async function rotationDraft(
  request: RotateRequest,
  { vault }: WritableVault,
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
    onSealed: () => forget(vault.bundle),
    // The new slot first: its holders are the ones to come.
    unlock: [await next.enrol(freshSlot(plan, vault), by), ...grace],
    signingKey,
    rotates: true,
  };
}

/** Before the upload, which takes as much again. */
function forget({ items, bytes }: OpenedBundle): void {
  for (const { data } of items) data.destroy();
  release(bytes);
}

/** Somebody who knew the old passphrase may have given its slot the name that would come next. */
function freshSlot({ gen, graceUntil }: RotationPlan, { unlocked }: OpenedVault): string {
  const name = `p${gen}`;
  return graceUntil !== null && unlocked.slot === name ? `${name}-new` : name;
}
