import { encodeBase64 } from "../crypto/base64.ts";
import { generateSigningKey, type SigningKey } from "../crypto/signing.ts";
import { InputError, ManifestNotFoundError } from "../errors.ts";
import { type Changes, compareItems, identifyItems, isEmpty, type NamedData } from "./changes.ts";
import { type CommitPorts, type Committed, commitGeneration } from "./commit/commit.ts";
import { type Annotation, baseOn, type CommitBase, currentGen } from "./commit/draft.ts";
import { openForCommit } from "./commit/open-for-commit.ts";
import type { Item } from "./format/item.ts";
import type { Manifest } from "./format/manifest.ts";
import type { UnlockEntry } from "./format/unlock-entry.ts";
import type { VaultIdentity } from "./join.ts";
import { requireJoined, requireNothingSeen } from "./open/expectation.ts";
import type { OpenRequest } from "./open/open-manifest.ts";
import { liveEntries } from "./unlock/entries.ts";
import type { OperatorHolder } from "./unlock/key-holder.ts";

export interface PushRequest extends Omit<OpenRequest, "expect"> {
  readonly holder: OperatorHolder;
  readonly identity: VaultIdentity;
  readonly annotation: Annotation;
  /** The whole set: what is not in it is removed. */
  readonly items: readonly NamedData[];
  /** Whether no items at all may take the place of some. */
  readonly mayEmpty?: boolean;
  /** Asked before the first write; false ends the push. */
  confirm(changes: Changes): Promise<boolean>;
}

export type PushResult =
  | { readonly kind: "unchanged" | "declined"; readonly changes: Changes; readonly gen: number }
  | { readonly kind: "pushed"; readonly changes: Changes; readonly committed: Committed };

/**
 * Replaces the whole set of items. The first push makes the vault.
 *
 * @throws ConflictError somebody else pushed first, or made another vault here
 * @throws InputError nothing is to take the place of something, without `mayEmpty`
 * @throws what opening and committing throw
 */
export async function pushItems(ports: CommitPorts, request: PushRequest): Promise<PushResult> {
  const before = await openBefore(ports, request);
  if (request.items.length === 0 && before.items.length > 0 && !request.mayEmpty) throw wouldEmpty(before.items);
  const changes = compareItems(before.items, request.items);
  const gen = currentGen(before.base);
  if (gen > 0 && isEmpty(changes)) return { kind: "unchanged", changes, gen };
  const items = identifyItems(ports.random, request.items, before.items);
  if (!(await request.confirm(changes))) return { kind: "declined", changes, gen };
  const committed = await commitGeneration(ports, before.base, {
    ...request.annotation,
    action: "push",
    meta: request.annotation.meta ?? {},
    items,
    unlock: before.unlock,
    signingKey: before.signingKey,
    rotates: false,
  });
  return { kind: "pushed", changes, committed };
}

/** Nine times in ten it is the pipe's other end that failed. */
function wouldEmpty(items: readonly Item[]): InputError {
  return new InputError(`there is nothing to push, and the vault holds ${items.length} names`, {
    hint: "check what was to be pushed; if the vault is really to be emptied, push with --allow-empty",
  });
}

/** What a push starts from. */
interface Before {
  readonly base: CommitBase;
  readonly items: readonly Item[];
  readonly unlock: readonly UnlockEntry[];
  readonly signingKey: SigningKey;
}

async function openBefore(ports: CommitPorts, request: PushRequest): Promise<Before> {
  try {
    return await openExisting(ports, request);
  } catch (error) {
    if (error instanceof ManifestNotFoundError) return startVault(request);
    throw error;
  }
}

async function openExisting(ports: CommitPorts, request: PushRequest): Promise<Before> {
  const { vault: id, env, seenGen: minGen } = request.identity;
  const expect = { vault: id, env, minGen };
  const onParsed = (manifest: Manifest) => requireJoined(manifest, expect);
  const { vault, signingKey } = await openForCommit(ports, { ...request, expect }, onParsed);
  const unlock = liveEntries(vault.manifest.unlock, ports.clock.nowMs());
  return { base: baseOn({ ...vault, signingKey }), items: vault.bundle.items, unlock, signingKey };
}

async function startVault({ holder, identity }: PushRequest): Promise<Before> {
  const { vault, repo, env, seenGen } = identity;
  requireNothingSeen(seenGen);
  const signingKey = generateSigningKey();
  const entry = await holder.enrol("p1", { vault, env, signer: encodeBase64(signingKey.publicKey) });
  return { base: { vault, repo, env, current: null }, items: [], unlock: [entry], signingKey };
}
