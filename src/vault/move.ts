import { AccessDeniedError, ConflictError, InputError, S3UnreachableError } from "../errors.ts";
import type { ObjectStore } from "../ports.ts";
import { USAGE_PREFIX } from "../usage/prefix.ts";
import { verifyAudit } from "./audit/chain.ts";
import { type CommitPorts, commitGeneration } from "./commit/commit.ts";
import { baseOn, type Draft } from "./commit/draft.ts";
import { openForCommit, type WritableVault } from "./commit/open-for-commit.ts";
import { effectsOn, type TokenEffect } from "./commit/plan-tokens.ts";
import { type AmendRequest, type CommitStep, Proposal } from "./commit/proposal.ts";
import { appendOwnRow } from "./commit/reconcile.ts";
import { removeAll } from "./commit/remove-all.ts";
import { MAX_MANIFEST_BYTES } from "./format/limits.ts";
import type { Manifest } from "./format/manifest.ts";
import { hasMoved, MOVE_ACTION, movedTo, moveMeta, shownVault, type VaultPlace } from "./format/moved.ts";
import { auditKey, BUNDLE_PREFIX, generationOfAuditKey, isProbeKey } from "./format/object-keys.ts";
import { liveIn } from "./format/tokens/roll.ts";
import { BundleMissingError, fetchBundle } from "./open/open-bundle.ts";
import { fetchManifest, type OpenRequest, openManifest, type ReadPorts } from "./open/open-manifest.ts";

export interface MoveRequest extends AmendRequest {
  readonly from: VaultPlace;
  readonly to: VaultPlace;
  /** The store of `to`; the vault's own store if only the env's name changes. */
  readonly toStore: ObjectStore;
  /** The objects were copied by other means and the original goes on, so its place is left unchanged. */
  readonly isCopy: boolean;
}

export interface MovePlan {
  /** The newest generation at the old place. */
  readonly gen: number;
  /** What an interrupted move has already done. */
  readonly done: "nothing" | "committed there" | "all";
  /** Scoped tokens that will read more or fewer names under the new env. */
  readonly tokens: readonly TokenEffect[];
  /** Names of live scoped tokens: the `VSYNC_CONFIG` of their holders still names the old place. */
  readonly live: readonly string[];
  /** Apps have metered here. Usage stays where it is, because copying would give every batch a new date. */
  readonly leavesUsage: boolean;
}

/**
 * Proposes to move a vault: copy its rows and bundles, commit the next generation at the new place, then one at the old
 * place that says where the vault went. Each write has a precondition, so an interrupted move resumes from any point.
 * The vault's id, audit chain and floors stay valid.
 *
 * @throws InputError the new place holds something else
 * @throws ConflictError somebody wrote at the old place after the move had copied it
 * @throws VaultMovedError it has already moved to another place
 * @throws what opening for a commit throws
 */
export async function proposeMove(ports: CommitPorts, request: MoveRequest): Promise<Proposal<MovePlan>> {
  const writable = await openForCommit(ports, { ...request, mending: { moving: true } });
  try {
    const { manifest, bundle } = writable.vault;
    const done = await doneAlready(ports, writable, request);
    const nowMs = ports.clock.nowMs();
    const { roll } = writable.tokens;
    const affected = { repo: manifest.repo, env: manifest.env, roll, nowMs, to: request.to };
    const plan = {
      gen: manifest.gen,
      done,
      tokens: await effectsOn(affected, bundle.items, bundle.items),
      live: liveIn(roll, nowMs).map(({ claims }) => claims.name ?? claims.id),
      leavesUsage: !isSamePlace(request) && (await hasUsage(ports.store)),
    };
    // A killed move may have left its last row outstanding, and nobody else writes at the old place any more.
    const write = done === "all" ? () => appendOwnRow(ports, writable) : () => moving(ports, writable, request, done);
    return new Proposal(plan, write, writable);
  } catch (error) {
    writable[Symbol.dispose]();
    throw error;
  }
}

async function hasUsage(store: ObjectStore): Promise<boolean> {
  const first = await store.list(USAGE_PREFIX)[Symbol.asyncIterator]().next();
  return first.done !== true;
}

const isSamePlace = ({ from, to }: Pick<MoveRequest, "from" | "to">): boolean =>
  (["endpoint", "bucket", "prefix"] as const).every((part) => from[part] === to[part]);

async function doneAlready(
  ports: CommitPorts,
  { vault: { manifest, sha256 } }: WritableVault,
  request: MoveRequest,
): Promise<MovePlan["done"]> {
  const { to, toStore } = request;
  const gone = movedTo(manifest);
  if (gone !== null && (gone.env !== to.env || !isSamePlace({ from: gone, to }))) throw hasMoved(manifest, gone);
  if (isSamePlace(request)) return "nothing";
  const standing = await fetchManifest(toStore, request);
  if (standing === null) {
    if (gone !== null) throw hasMoved(manifest, gone);
    await refuseOthers(ports.store, toStore, manifest);
    return "nothing";
  }
  requireContinued(manifest, standing.manifest, request, gone);
  const expect = { vault: manifest.vault, env: to.env };
  const there = await openManifest({ ...ports, store: toStore }, { holder: request.holder, expect });
  if (gone !== null) return "all";
  if (there.manifest.prev === sha256) return "committed there";
  throw new ConflictError(
    `${shownVault(to)} holds a copy of another generation than ${manifest.gen}, the newest at the old place`,
    {
      hint: "somebody wrote at the old place in the meantime: remove the copied objects, then run the same command again",
    },
  );
}

/** @throws InputError what is at the new place is not this vault under its new name */
function requireContinued(
  manifest: Manifest,
  standing: Manifest,
  { to, toStore }: MoveRequest,
  gone: VaultPlace | null,
): void {
  if (standing.vault !== manifest.vault) {
    throw new InputError(`${toStore.label} holds another vault`, { hint: "choose another --prefix" });
  }
  if (gone === null && movedTo(standing) !== null) {
    throw new InputError(
      `this vault has moved away from ${toStore.label}, which still tells old readers where it went`,
      {
        hint: "choose another --prefix, or finish the last move and remove the objects there with the store's own tools",
      },
    );
  }
  if (standing.env !== to.env) {
    throw new InputError(`${toStore.label} holds the env ${standing.env}, not ${to.env}`, {
      hint: `if somebody copied ${manifest.env} there, vsync move ${manifest.env} ${to.env} --from=${to.prefix} takes the copy; else choose another --prefix`,
    });
  }
}

/** An interrupted move leaves only this vault's own row 1, and its rows, bundles and orphans. */
async function refuseOthers(store: ObjectStore, toStore: ObjectStore, { gen }: Manifest): Promise<void> {
  const isOurs = (key: string): boolean =>
    key.startsWith(BUNDLE_PREFIX) || (generationOfAuditKey(key) ?? gen + 1) <= gen;
  let isBegun: boolean | undefined;
  for await (const key of toStore.list("")) {
    if (isProbeKey(key)) continue;
    isBegun ??= await holdsSame(store, toStore, auditKey(1));
    if (isBegun && isOurs(key)) continue;
    throw new InputError(`${toStore.label} already holds something else: ${key}`, {
      hint: "choose another --prefix, or remove it",
    });
  }
}

async function holdsSame(one: ObjectStore, other: ObjectStore, key: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((store) => store.get(key, { maxBytes: MAX_MANIFEST_BYTES })));
  return a != null && b != null && Buffer.compare(a.bytes, b.bytes) === 0;
}

async function* moving(
  ports: CommitPorts,
  writable: WritableVault,
  request: MoveRequest,
  done: MovePlan["done"],
): AsyncGenerator<CommitStep, void> {
  const { vault, signingKey } = writable;
  const { manifest, version } = vault;
  const { from, to, toStore, isCopy } = request;
  const isInPlace = isSamePlace(request);
  const draft: Draft = {
    ...request.annotation,
    action: MOVE_ACTION,
    meta: {},
    items: vault.bundle.items,
    unlock: manifest.unlock,
    signingKey,
    rotates: false,
    tokens: writable.tokens,
  };
  const given = request.annotation.meta ?? {};
  let [there, here]: (CommitStep | undefined)[] = [];
  if (done === "nothing") {
    if (!isInPlace) await copyObjects(ports.store, toStore, manifest);
    const base = {
      ...baseOn({ ...vault, signingKey, version: isInPlace ? version : null }),
      repo: to.repo,
      env: to.env,
    };
    const first = { ...draft, meta: { ...given, ...moveMeta("moved_from", from) } };
    for await (const step of commitGeneration({ ...ports, store: toStore }, base, () => first)) there = step;
  }
  if (!isInPlace && !isCopy) {
    const second = { ...draft, meta: { ...given, ...moveMeta("moved_to", to) } };
    const closing = commitGeneration(ports, baseOn({ ...vault, signingKey }), () => second);
    for await (const step of tellingHalf(closing, to)) here = step;
  }
  // Skips the step "ready", after which the proposal zeroes the items: both commits still have to seal them.
  const last = there ?? here;
  if (last !== undefined) yield last;
}

/** The same steps; a failure also says that the new place holds the vault, and its hint closes the old one. */
async function* tellingHalf(steps: AsyncIterable<CommitStep>, to: VaultPlace): AsyncGenerator<CommitStep, void> {
  try {
    yield* steps;
  } catch (error) {
    if (!(error instanceof AccessDeniedError || error instanceof S3UnreachableError)) throw error;
    const Same = error instanceof AccessDeniedError ? AccessDeniedError : S3UnreachableError;
    throw new Same(`${shownVault(to)} is committed, but the old place still takes writes: ${error.message}`, {
      hint: `${error.hint ?? "try again later"}; then run the same vsync move again: it goes on`,
    });
  }
}

const AT_ONCE = 16;

/**
 * Copies rows first, and row 1 before all others: it tells the remains of an interrupted move from somebody else's
 * objects.
 */
async function copyObjects(store: ObjectStore, toStore: ObjectStore, manifest: Manifest): Promise<void> {
  const { rows, outstanding } = await verifyAudit(store, manifest);
  const keys = rows.map(({ gen }) => auditKey(gen)).toReversed();
  for (let at = 0; at < keys.length; at += at === 0 ? 1 : AT_ONCE)
    await Promise.all(keys.slice(at, at === 0 ? 1 : at + AT_ONCE).map((key) => copyRow(store, toStore, key)));
  const refs = outstanding === null ? rows : [manifest, ...rows];
  for (const { bundle } of refs.toReversed()) await copyBundle(store, toStore, bundle);
}

async function copyRow(store: ObjectStore, toStore: ObjectStore, key: string): Promise<void> {
  const row = await store.get(key, { maxBytes: MAX_MANIFEST_BYTES });
  if (row !== null) await createSame(toStore, key, row.bytes);
}

/** gc may have removed it. */
async function copyBundle(store: ObjectStore, toStore: ObjectStore, ref: Manifest["bundle"]): Promise<void> {
  if ((await toStore.head(ref.key)) !== null) {
    await fetchBundle(toStore, ref);
    return;
  }
  try {
    await createSame(toStore, ref.key, await fetchBundle(store, ref));
  } catch (error) {
    if (!(error instanceof BundleMissingError)) throw error;
  }
}

async function createSame(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  try {
    await store.create(key, bytes);
  } catch (error) {
    const standing = error instanceof ConflictError ? await store.get(key, { maxBytes: bytes.length }) : null;
    if (standing === null || Buffer.compare(standing.bytes, bytes) !== 0) throw error;
  }
}

/** The bundles at a place that a vault has left. Every passphrase and token of that time still opens them. */
export async function bundlesLeft(store: ObjectStore): Promise<readonly string[]> {
  return Array.fromAsync(store.list(BUNDLE_PREFIX));
}

/** What finishing a move removes. */
export interface FinishOfMove {
  readonly keys: readonly string[];
  readonly remove: () => Promise<void>;
}

/**
 * The bundles that finishing a move would remove from the old place. Its manifest and rows stay and say where the vault
 * went. The passphrase may have been rotated since, so only the new place is proven; it must hold the same vault.
 *
 * @param store the store of the old place; `ports` and `request` are for the new one
 * @throws InputError the vault has not moved away from here
 * @throws what opening the new place throws
 */
export async function planFinishOfMove(
  ports: ReadPorts,
  request: OpenRequest,
  store: ObjectStore,
): Promise<FinishOfMove> {
  const { expect } = request;
  const left = (await fetchManifest(store, request))?.manifest;
  const hasLeft = left !== undefined && left.vault === expect.vault && movedTo(left) !== null;
  if (!hasLeft) {
    throw new InputError(`no vault has moved away from ${store.label}`, {
      hint: "run vsync move again: it resumes where it was interrupted",
    });
  }
  await openManifest(ports, { ...request, expect: { ...expect, minGen: left.gen } });
  const keys = await bundlesLeft(store);
  return { keys, remove: () => removeAll(store, keys, { done: "", what: "bundles", command: "vsync move" }) };
}
