import { encodeBase64 } from "../crypto/base64.ts";
import { generateSigningKey } from "../crypto/signing.ts";
import { InputError, ManifestNotFoundError } from "../errors.ts";
import { type ChangePlan, compareItems, isEmpty, type NamedData, requireItems } from "./changes.ts";
import { type AmendRequest, proposeAmendment } from "./commit/amend.ts";
import { type CommitPorts, commitGeneration } from "./commit/commit.ts";
import type { CommitBase, Draft } from "./commit/draft.ts";
import { Proposal } from "./commit/proposal.ts";
import { NO_TOKENS } from "./commit/vault-tokens.ts";
import type { Item } from "./format/item.ts";
import type { VaultIdentity } from "./join.ts";
import { requireNothingSeen } from "./open/expectation.ts";
import { effectsOn } from "./tokens/effects.ts";
import type { OperatorHolder } from "./unlock/key-holder.ts";

export interface PushRequest extends Omit<AmendRequest, "expect"> {
  readonly holder: OperatorHolder;
  readonly identity: VaultIdentity;
  /** The complete set: the push removes names that are missing here. */
  readonly items: readonly NamedData[];
  /** Allows an empty set to empty the vault. */
  readonly mayEmpty?: boolean;
}

/**
 * Proposes to replace the whole set of items. The first push makes the vault.
 *
 * @throws ConflictError somebody else made another vault here first
 * @throws InputError an empty set without `mayEmpty`, or the format refuses an item
 * @throws what opening throws
 */
export async function proposePush(ports: CommitPorts, request: PushRequest): Promise<Proposal<ChangePlan>> {
  const { vault, env, seenGen, history } = request.identity;
  const seen = history === undefined ? { minGen: seenGen } : { history };
  const expect = { vault, env, ...seen, isUnseen: seenGen === 0 };
  try {
    return await proposeAmendment(ports, { ...request, expect }, async ({ bundle, manifest }, { roll }) => {
      if (request.items.length === 0 && bundle.items.length > 0 && !request.mayEmpty) throw wouldEmpty(bundle.items);
      const changes = compareItems(bundle.items, request.items);
      requireItems(request.items);
      const amendment = isEmpty(changes) ? null : { action: "push", items: request.items };
      const affected = { ...manifest, roll, nowMs: ports.clock.nowMs() };
      const tokens = await effectsOn(affected, bundle.items, request.items);
      return { plan: { changes, gen: manifest.gen, tokens }, amendment };
    });
  } catch (error) {
    if (error instanceof ManifestNotFoundError) return proposeFirstPush(ports, request);
    throw error;
  }
}

/** Usually the other end of the pipe has failed. */
function wouldEmpty(items: readonly Item[]): InputError {
  return new InputError(`there is nothing to push, and the vault holds ${items.length} names`, {
    hint: "check what was to be pushed; if the vault is really to be emptied, push with --allow-empty",
  });
}

async function proposeFirstPush(ports: CommitPorts, request: PushRequest): Promise<Proposal<ChangePlan>> {
  const { identity, annotation, holder } = request;
  const { vault, repo, env, seenGen } = identity;
  requireNothingSeen(seenGen);
  requireItems(request.items);
  const signingKey = generateSigningKey();
  const draft: Draft = {
    ...annotation,
    action: "push",
    meta: annotation.meta ?? {},
    items: request.items,
    unlock: [await holder.enrol("p1", { vault, env, signer: encodeBase64(signingKey.publicKey) })],
    signingKey,
    rotates: false,
    tokens: NO_TOKENS,
  };
  const base: CommitBase = { vault, repo, env, current: null };
  const plan = { changes: compareItems([], request.items), gen: 0, tokens: [] };
  return new Proposal(plan, () => commitGeneration(ports, base, () => draft), { [Symbol.dispose]() {} });
}
