import { encodeBase64 } from "../../crypto/base64.ts";
import { generateSigningKey } from "../../crypto/signing.ts";
import { InputError, ManifestNotFoundError } from "../../errors.ts";
import type { OlderHolder } from "../audit/older-generation.ts";
import { type CommitPorts, commitGeneration } from "../commit/commit.ts";
import type { CommitBase, Draft } from "../commit/draft.ts";
import { effectsOn } from "../commit/plan-tokens.ts";
import { type AmendRequest, Proposal, proposeAmendment } from "../commit/proposal.ts";
import { NO_TOKENS } from "../commit/vault-tokens.ts";
import type { Item } from "../format/item.ts";
import type { Manifest } from "../format/manifest.ts";
import { type History, requireNothingSeen } from "../open/expectation.ts";
import type { OpenedVault } from "../open/open.ts";
import type { OperatorHolder } from "../unlock/key-holder.ts";
import { type ChangePlan, compareItems, isEmpty, type NamedData, requireItems } from "./changes.ts";
import { type BaseMismatch, type FileBase, type NewerWork, newerWork, openBase } from "./file-base.ts";

/** The vault in this machine's config: everything that the first push needs except the holder. */
export interface VaultIdentity {
  readonly vault: string;
  readonly repo: string;
  readonly env: string;
  /** 0 if this machine has never seen the vault. */
  readonly seenGen: number;
  /** What this machine has seen; replaces `seenGen` once the vault has a generation. */
  readonly history?: History;
}

export interface PushRequest extends Omit<AmendRequest, "expect"> {
  readonly holder: OperatorHolder;
  readonly identity: VaultIdentity;
  /** The complete set. The push removes names that it does not contain. */
  readonly items: readonly NamedData[];
  /** Lets an empty set empty the vault. */
  readonly mayEmpty?: boolean;
  /** The generation that the items come from. Without it, the plan cannot report newer work. */
  readonly base?: { readonly from: FileBase; readonly olderHolder: OlderHolder } | null;
}

export interface PushPlan extends ChangePlan {
  /** The newest generation now; null before the first push. */
  readonly head: Manifest | null;
  /**
   * What the push would undo unseen, or why its base does not match this vault. Null if neither applies or there is no
   * base.
   */
  readonly stale: NewerWork | BaseMismatch | null;
}

/**
 * Proposes to replace all items. The first push creates the vault.
 *
 * @throws ConflictError somebody else created another vault here first
 * @throws InputError an empty set without `mayEmpty`, or an item that the format does not allow
 * @throws what opening throws
 */
export async function proposePush(ports: CommitPorts, request: PushRequest): Promise<Proposal<PushPlan>> {
  const { vault, env, seenGen, history } = request.identity;
  const seen = history === undefined ? { minGen: seenGen } : { history };
  const expect = { vault, env, ...seen, isUnseen: seenGen === 0 };
  try {
    return await proposeAmendment(ports, { ...request, expect }, async (opened, { roll }) => {
      const { bundle, manifest } = opened;
      if (request.items.length === 0 && bundle.items.length > 0 && !request.mayEmpty) throw wouldEmpty(bundle.items);
      const changes = compareItems(bundle.items, request.items);
      requireItems(request.items);
      const amendment = isEmpty(changes) ? null : { action: "push", items: request.items };
      const affected = { ...manifest, roll, nowMs: ports.clock.nowMs() };
      const tokens = await effectsOn(affected, bundle.items, request.items);
      const stale = await staleness(ports, opened, request);
      return { plan: { changes, gen: manifest.gen, tokens, head: manifest, stale }, amendment };
    });
  } catch (error) {
    if (error instanceof ManifestNotFoundError) return proposeFirstPush(ports, request);
    throw error;
  }
}

async function staleness(ports: CommitPorts, vault: OpenedVault, request: PushRequest): Promise<PushPlan["stale"]> {
  const { base, holder, signal, items } = request;
  if (!base) return null;
  const opened = await openBase(ports, vault, { base: base.from, olderHolder: base.olderHolder, holder, signal });
  return opened.kind === "opened" ? newerWork(opened, vault, items) : opened;
}

/** Usually the other end of the pipe has failed. */
function wouldEmpty(items: readonly Item[]): InputError {
  return new InputError(`there is nothing to push, and the vault holds ${items.length} names`, {
    hint: "check the input; to really empty the vault, push with --allow-empty",
  });
}

function firstOfNothing(): InputError {
  return new InputError("there is nothing to push", {
    hint: "check the input; to start with an empty vault, push with --allow-empty",
  });
}

async function proposeFirstPush(ports: CommitPorts, request: PushRequest): Promise<Proposal<PushPlan>> {
  const { identity, annotation, holder } = request;
  const { vault, repo, env, seenGen } = identity;
  requireNothingSeen(seenGen);
  if (request.items.length === 0 && !request.mayEmpty) throw firstOfNothing();
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
  const from = request.base?.from ?? null;
  const plan = {
    changes: compareItems([], request.items),
    gen: 0,
    tokens: [],
    head: null,
    stale: from && mismatchOfFirst(from, vault),
  };
  return new Proposal(plan, () => commitGeneration(ports, base, () => draft), { [Symbol.dispose]() {} });
}

/** A vault without a generation cannot be the base of a file. */
function mismatchOfFirst({ gen, origin }: FileBase, vault: string): BaseMismatch {
  if (origin !== null && origin.vault !== vault) return { kind: "foreign", name: origin.name };
  return { kind: "unknown", gen, newest: 0 };
}
