import { encodeBase64 } from "../crypto/base64.ts";
import { generateSigningKey, type SigningKey } from "../crypto/signing.ts";
import { ConflictError, InputError, ManifestNotFoundError, RollbackError, WrongPassphraseError } from "../errors.ts";
import { type Changes, compareItems, identifyItems, isEmpty, type NamedData } from "./changes.ts";
import { type CommitPorts, type Committed, commitGeneration } from "./commit/commit.ts";
import { type Annotation, baseOn, type CommitBase, currentGen } from "./commit/draft.ts";
import { openForCommit } from "./commit/open-for-commit.ts";
import type { Item } from "./format/item.ts";
import type { Manifest, PassphraseEntry } from "./format/manifest.ts";
import type { VaultIdentity } from "./join.ts";
import type { OpenRequest } from "./open/open-manifest.ts";
import { keptEntries, PassphraseKeys, passphraseEntry } from "./unlock/passphrase-holder.ts";

export interface PushRequest extends Omit<OpenRequest, "expect"> {
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
  const keys = new PassphraseKeys(request.passphrase);
  try {
    const before = await openBefore(ports, request, keys);
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
  } finally {
    keys.destroy();
  }
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
  readonly unlock: readonly PassphraseEntry[];
  readonly signingKey: SigningKey;
}

async function openBefore(ports: CommitPorts, request: PushRequest, keys: PassphraseKeys): Promise<Before> {
  try {
    return await openExisting(ports, request, keys);
  } catch (error) {
    if (error instanceof ManifestNotFoundError) return startVault(request, keys);
    throw error;
  }
}

async function openExisting(ports: CommitPorts, request: PushRequest, keys: PassphraseKeys): Promise<Before> {
  const { identity } = request;
  const expect = { vault: identity.vault, env: identity.env, minGen: identity.seenGen, hint: identity.cost };
  const onParsed = (manifest: Manifest) => refuseStranger(manifest, identity);
  const { vault, signingKey } = await openForCommit(ports, { ...request, expect }, keys, onParsed);
  const base = baseOn({ ...vault, signingKey });
  return { base, items: vault.bundle.items, unlock: keptEntries(vault, ports.clock), signingKey };
}

/** Two people ran `init` on one empty prefix, and the other one pushed first. */
function refuseStranger(manifest: Manifest, identity: VaultIdentity): void {
  if (identity.seenGen > 0 || manifest.vault === identity.vault) return;
  throw otherVault(identity.env);
}

function otherVault(env: string): ConflictError {
  return new ConflictError("another vault was pushed here since this machine ran init", {
    hint: `run \`vsync init --env=${env}\` again to join it`,
  });
}

async function startVault(request: PushRequest, keys: PassphraseKeys): Promise<Before> {
  const { identity } = request;
  if (identity.seenGen > 0) {
    throw new RollbackError(`the manifest is gone; this machine has seen generation ${identity.seenGen}`);
  }
  const key = await keys.of(identity.cost);
  if (Buffer.compare(key.recipient, identity.recipient) !== 0) {
    throw new WrongPassphraseError("this is not the passphrase that was set at init", {
      hint: `type it again, or set a new one with \`vsync init --env=${identity.env} --reset\``,
    });
  }
  const signingKey = generateSigningKey();
  const by = { vault: identity.vault, signer: encodeBase64(signingKey.publicKey) };
  return {
    base: { vault: identity.vault, repo: identity.repo, env: identity.env, current: null },
    items: [],
    unlock: [passphraseEntry("p1", key, identity.cost, by)],
    signingKey,
  };
}
