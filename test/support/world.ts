import { createHash } from "node:crypto";
import { type KdfCost } from "../../src/crypto/argon2id.ts";
import { encodeBase64Url } from "../../src/crypto/base64.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { SigningKey } from "../../src/crypto/signing.ts";
import type { Clock, ObjectStore, Random, ReadOptions } from "../../src/ports.ts";
import type { TokenSnapshot } from "../../src/tokens/snapshot.ts";
import {
  type AuditRequest,
  type ReadAudit,
  readAudit,
  type VerifiedAudit,
  type VerifyOptions,
  verifyAudit,
} from "../../src/vault/audit/chain.ts";
import { type OlderHolder, openGeneration } from "../../src/vault/audit/older-generation.ts";
import type { CommitPorts } from "../../src/vault/commit/commit.ts";
import type { Annotation } from "../../src/vault/commit/draft.ts";
import { openForCommit, type WritableVault } from "../../src/vault/commit/open-for-commit.ts";
import type { AmendRequest, CommitStep, Committed, Proposal } from "../../src/vault/commit/proposal.ts";
import { proposeReconcile } from "../../src/vault/commit/reconcile.ts";
import { proposeFinish } from "../../src/vault/finish.ts";
import { encodeManifest, type Manifest } from "../../src/vault/format/manifest.ts";
import { MANIFEST_KEY } from "../../src/vault/format/object-keys.ts";
import { anchorOf } from "../../src/vault/format/tokens/anchors.ts";
import { type Diff, diffGenerations } from "../../src/vault/generations/diff.ts";
import { proposeGc } from "../../src/vault/generations/gc.ts";
import { type History, readHistory } from "../../src/vault/generations/history.ts";
import { proposeRestore } from "../../src/vault/generations/restore.ts";
import type { Changes, NamedData } from "../../src/vault/items/changes.ts";
import type { VaultIdentity } from "../../src/vault/items/push.ts";
import { type PushPlan, type PushRequest, proposePush } from "../../src/vault/items/push.ts";
import { type NoSuchName, proposeSet, proposeUnset } from "../../src/vault/items/set.ts";
import type { Expectation } from "../../src/vault/open/expectation.ts";
import { type OpenedVault, openVault, openWithKeys } from "../../src/vault/open/open.ts";
import { fetchManifest, type OpenedManifest, openManifest } from "../../src/vault/open/open-manifest.ts";
import { openRotation, type RotationPlan, type RotationRequest, requireNewPassphrase } from "../../src/vault/rotate.ts";
import {
  type GivenClaims,
  proposeTokenCreate,
  type TokenCreatePlan,
  type TokenCreateRequest,
} from "../../src/vault/tokens/create.ts";
import {
  proposeTokenPrune,
  proposeTokenRevoke,
  type TokenPrunePlan,
  type TokenRevokePlan,
} from "../../src/vault/tokens/end.ts";
import {
  type GatewayKeysPlan,
  type GatewayKeysRotateRequest,
  proposeGatewayKeyRevoke,
  proposeGatewayKeysRotate,
  readOperatorSnapshot,
} from "../../src/vault/tokens/gateway-keys.ts";
import { verifyTokensToo } from "../../src/vault/tokens/planted.ts";
import { readTokenSnapshot, readTokens } from "../../src/vault/tokens/read.ts";
import { proposeTokenRotate, type TokenRotatePlan, type TokenRotateRequest } from "../../src/vault/tokens/rotate.ts";
import { proposeSettings, type SettingsPlan } from "../../src/vault/tokens/settings.ts";
import type { TokenSummary } from "../../src/vault/tokens/summary.ts";
import { proposeTokenUpdate, type TokenUpdatePlan, type TokenUpdateRequest } from "../../src/vault/tokens/update.ts";
import { type BundleKeys, RootKeys } from "../../src/vault/unlock/bundle-keys.ts";
import { CredentialHolder } from "../../src/vault/unlock/credential-holder.ts";
import type { SlotAccess } from "../../src/vault/unlock/entries.ts";
import type { PassphraseHint, PassphraseHolder } from "../../src/vault/unlock/passphrase-holder.ts";
import { type FaultHook, type MemoryBucket, MemoryStore } from "./memory-store.ts";
import { holding } from "./passphrases.ts";

/** The lowest cost that the format allows. */
export const COST = { iterations: 1, memoryKiB: 8192, parallelism: 1 } as const;
export const START_MS = Date.parse("2026-01-01T00:00:00.000Z");
export const HOUR_MS = 3_600_000;
export const ENV = "prod";
export const ACTOR = { user: "ann", host: "build-7", tool: "vsync/0.1.0" };
/** The passphrase that a world's vault starts with, and the one that tests rotate it to. */
export const OLD = "the old passphrase";
export const NEW = "the new passphrase";

export type Secrets = Readonly<Record<string, string>>;

export interface SettableClock extends Clock {
  ms: number;
}

export function clockAt(ms: number): SettableClock {
  return {
    ms,
    nowMs() {
      return this.ms;
    },
  };
}

/** Bytes that are the same in every run: SHAKE256 over a counter. */
export function seededRandom(seed: string): Random {
  let drawn = 0;
  return {
    bytes(length) {
      const outputLength = length;
      return createHash("shake256", { outputLength }).update(`${seed}|${drawn++}`).digest();
    },
  };
}

/** The facts about its vault and passphrase in a machine's config. */
export type KnownIdentity = VaultIdentity & Required<PassphraseHint>;

/** A machine's parts: its ports and its config. */
export interface MachineParts {
  readonly store: ObjectStore;
  readonly clock: SettableClock;
  readonly random: Random;
  readonly identity: KnownIdentity;
}

export interface By {
  /** The passphrase. Default: {@link OLD}. */
  readonly by?: string;
}

/** Options of every method that writes. */
export interface Writing<Plan> extends By, ReadOptions, Partial<Annotation> {
  /** Receives the changes before the first write. False: nothing is written. */
  readonly confirm?: (plan: Plan) => boolean | Promise<boolean>;
}

export interface Written<Plan> {
  readonly plan: Plan;
  /** Null if there was nothing to change, or `confirm` returned false. */
  readonly committed: Committed | null;
}

/**
 * One holder per passphrase: each derives its keys once per test file, because deriving takes most of these tests'
 * time.
 */
const holders = new Map<string, PassphraseHolder>();

export function holderOf(passphrase: string): PassphraseHolder {
  const holder = holders.get(passphrase) ?? holding(passphrase);
  holders.set(passphrase, holder);
  return holder;
}

/** Closes the holders that the machines of this test file share, as a command closes its own. */
export function endHolders(): void {
  for (const holder of holders.values()) holder[Symbol.dispose]();
  holders.clear();
}

/** One person's machine: every use-case of the vault as a method. */
export class Machine implements CommitPorts {
  readonly store: ObjectStore;
  readonly clock: SettableClock;
  readonly random: Random;
  readonly identity: KnownIdentity;

  constructor(parts: MachineParts) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.random = parts.random;
    this.identity = parts.identity;
  }

  /** The same machine with other parts. */
  with(parts: Partial<MachineParts>): Machine {
    return new Machine({ ...this, ...parts });
  }

  /** Replaces the whole set of items. The first push creates the vault. */
  async push(
    items: Secrets | readonly NamedData[],
    options: Writing<Changes> & { readonly mayEmpty?: boolean } = {},
  ): Promise<Written<Changes>> {
    return answered(this.proposePush(items, options), options, ({ changes }) => changes);
  }

  async proposePush(
    items: Secrets | readonly NamedData[],
    options: Writing<never> & Pick<PushRequest, "base" | "mayEmpty"> = {},
  ): Promise<Proposal<PushPlan>> {
    const { mayEmpty = false, base = null } = options;
    const { annotation, signal } = requestOf(options);
    const { identity } = this;
    using holder = holding(options.by ?? OLD, identity);
    return await proposePush(this, { holder, annotation, signal, identity, items: namedData(items), mayEmpty, base });
  }

  async set(items: Secrets | readonly NamedData[], options: Writing<Changes> = {}): Promise<Written<Changes>> {
    return answered(proposeSet(this, requestOf(options), namedData(items)), options, ({ changes }) => changes);
  }

  async unset(
    names: readonly string[],
    options: Writing<Changes> & { readonly toError?: NoSuchName } = {},
  ): Promise<Written<Changes>> {
    const proposing = proposeUnset(this, requestOf(options), names, options.toError);
    return answered(proposing, options, ({ changes }) => changes);
  }

  /** @param to the new passphrase, or a function that is asked for it once the old one has opened the vault */
  async rotate(
    from: string,
    to: string | (() => Promise<Secret>),
    options: Writing<RotationPlan> &
      Pick<RotationRequest, "leaked"> & {
        readonly graceMs?: number;
        readonly cost?: Omit<KdfCost, "salt"> | null;
      } = {},
  ): Promise<Written<RotationPlan>> {
    const { graceMs, leaked, cost = COST } = options;
    const request = { ...requestOf({ ...options, by: from }), ...(leaked === undefined ? {} : { leaked }) };
    if (typeof to === "string") requireNewPassphrase(request.holder, Secret.ofText(to));
    using rotation = await openRotation(this, request);
    const proposing = rotation.propose({
      newPassphrase: typeof to === "string" ? Secret.ofText(to) : await to(),
      ...(cost === null ? {} : { cost }),
      ...(graceMs === undefined ? {} : { graceMs }),
    });
    return await answered(proposing, options, (plan) => plan);
  }

  /** The plan: the entries that lose their grace window. */
  async finish(options: Writing<readonly SlotAccess[]> = {}): Promise<Written<readonly SlotAccess[]>> {
    return answered(proposeFinish(this, requestOf(options)), options, ({ dropped }) => dropped);
  }

  async restore(
    gen: number,
    options: Writing<Changes> & { readonly oldPassphrase?: OlderHolder | string } = {},
  ): Promise<Written<Changes>> {
    const olderHolder = olderHolderOf(options.oldPassphrase);
    const proposing = proposeRestore(this, { ...requestOf(options), gen, olderHolder });
    return answered(proposing, options, ({ changes }) => changes);
  }

  /** The plan: the keys of the bundles that are removed. */
  async gc(
    options: Writing<readonly string[]> & { readonly keep?: number; readonly olderThanMs?: number } = {},
  ): Promise<Written<readonly string[]>> {
    const { keep = 1, olderThanMs = 0 } = options;
    const proposing = proposeGc(this, { ...requestOf(options), keep, olderThanMs });
    return answered(proposing, options, ({ keys }) => keys);
  }

  async reconcile(options: By & ReadOptions = {}): Promise<{ gen: number; appended: boolean }> {
    const { plan, committed } = await answered(proposeReconcile(this, requestOf(options)), {}, ({ gen }) => gen);
    return { gen: plan, appended: committed !== null };
  }

  /** A new token with these claims; by default a live one that reads everything. */
  async createToken(
    claims: Partial<GivenClaims> = {},
    options: Writing<TokenCreatePlan> & Pick<TokenCreateRequest, "ifAbsent"> = {},
  ): Promise<Written<TokenCreatePlan>> {
    const { ifAbsent = false } = options;
    const given = { kind: "live", capabilities: [], ...claims } as const;
    return answered(proposeTokenCreate(this, { ...requestOf(options), claims: given, ifAbsent }), options, same);
  }

  async rotateTokens(
    tokens: TokenRotateRequest["tokens"],
    options: Writing<TokenRotatePlan> & Pick<TokenRotateRequest, "overlapMs"> = {},
  ): Promise<Written<TokenRotatePlan>> {
    const { overlapMs } = options;
    const request = { ...requestOf(options), tokens, ...(overlapMs === undefined ? {} : { overlapMs }) };
    return answered(proposeTokenRotate(this, request), options, same);
  }

  async revokeTokens(
    tokens: readonly string[],
    options: Writing<TokenRevokePlan> = {},
  ): Promise<Written<TokenRevokePlan>> {
    return answered(proposeTokenRevoke(this, { ...requestOf(options), tokens }), options, same);
  }

  async updateToken(
    token: string,
    change: TokenUpdateRequest["change"],
    options: Writing<TokenUpdatePlan> = {},
  ): Promise<Written<TokenUpdatePlan>> {
    return answered(proposeTokenUpdate(this, { ...requestOf(options), token, change }), options, same);
  }

  async pruneTokens(options: Writing<TokenPrunePlan> = {}): Promise<Written<TokenPrunePlan>> {
    return answered(proposeTokenPrune(this, requestOf(options)), options, same);
  }

  async rotateGatewayKeys(
    options: Writing<GatewayKeysPlan> & Partial<Pick<GatewayKeysRotateRequest, "overlapMs" | "backends">> = {},
  ): Promise<Written<GatewayKeysPlan>> {
    const { overlapMs = 24 * HOUR_MS, backends } = options;
    return answered(proposeGatewayKeysRotate(this, { ...requestOf(options), overlapMs, backends }), options, same);
  }

  async revokeGatewayKey(kid: string, options: Writing<GatewayKeysPlan> = {}): Promise<Written<GatewayKeysPlan>> {
    return answered(proposeGatewayKeyRevoke(this, { ...requestOf(options), kid }), options, same);
  }

  /** What the vault tells the holder of a token besides its secrets. */
  async tokenSnapshot(credential: Secret, expect: Partial<Expectation> = {}): Promise<TokenSnapshot> {
    const fetched = await fetchManifest(this.store);
    using holder = new CredentialHolder(credential, fetched === null ? undefined : anchorOf(fetched.manifest));
    return await readTokenSnapshot(this, { holder, expect: { env: ENV, ...expect } });
  }

  /** What the vault would tell a gateway of all backends. */
  async operatorSnapshot(options: By = {}): Promise<TokenSnapshot> {
    return readOperatorSnapshot(this, requestOf(options));
  }

  async settings(settings: unknown, options: Writing<SettingsPlan> = {}): Promise<Written<SettingsPlan>> {
    return answered(proposeSettings(this, { ...requestOf(options), settings }), options, same);
  }

  /** What operators can see of the tokens. */
  async tokens(options: By = {}): Promise<readonly TokenSummary[]> {
    return (await readTokens(this, requestOf(options))).tokens;
  }

  /** Verifies the audit rows, and checks the tokens against them. */
  verifyTokens(options: By = {}): Promise<ReadAudit> {
    return verifyTokensToo(this, requestOf(options));
  }

  /** Opens with a credential, as an app does; `anchor` is the one that its blob pins. */
  async openToken(
    credential: Secret,
    anchor: string | undefined,
    expect: Partial<Expectation> = {},
  ): Promise<OpenedVault> {
    using holder = new CredentialHolder(credential, anchor);
    return await openVault(this, { holder, expect: { env: ENV, ...expect } });
  }

  /** Opens as `openVault` does, and keeps the keys. */
  open(passphrase = OLD): Promise<OpenedVault> {
    return openWithKeys(this, requestOf({ by: passphrase }));
  }

  /** Opens as the runtime does, with its own keys. */
  async openAfresh(
    passphrase = OLD,
    expect: Partial<Expectation> & { readonly hint?: KdfCost } = {},
    { signal }: ReadOptions = {},
  ): Promise<OpenedVault> {
    const { hint, ...known } = expect;
    using holder = holding(passphrase, hint && { cost: hint });
    return await openVault(this, { holder, expect: { env: ENV, ...known }, signal });
  }

  /** The vault and its signing key, obtained as a commit does. */
  writable(passphrase = OLD): Promise<WritableVault> {
    return openForCommit(this, requestOf({ by: passphrase }));
  }

  async manifest(passphrase = OLD): Promise<Manifest> {
    return (await this.open(passphrase)).manifest;
  }

  async secrets(passphrase = OLD): Promise<Secrets> {
    return secretsOf((await this.open(passphrase)).bundle.items);
  }

  /** Opens an older generation. */
  async generation(gen: number, then = OLD, by = OLD): Promise<Secrets> {
    const manifest = await this.manifest(by);
    return secretsOf((await openGeneration(this.store, manifest, { gen, holder: holderOf(then) })).items);
  }

  async openManifest(passphrase = OLD, env = ENV): Promise<OpenedManifest> {
    using holder = holding(passphrase);
    return await openManifest(this, { holder, expect: { env } });
  }

  /** Verifies the audit rows against a manifest that has been opened. */
  verify(manifest: Manifest, options?: VerifyOptions): Promise<VerifiedAudit> {
    return verifyAudit(this.store, manifest, options);
  }

  audit(options: By & Pick<AuditRequest, "tail"> = {}): Promise<ReadAudit> {
    return readAudit(this, { ...requestOf(options), tail: options.tail });
  }

  history(options: By & Pick<AuditRequest, "tail"> = {}): Promise<History> {
    return readHistory(this, { ...requestOf(options), tail: options.tail });
  }

  diff(
    fromGen: number | undefined,
    toGen?: number,
    options: By & { readonly oldPassphrase?: OlderHolder | string } = {},
  ): Promise<Diff> {
    const olderHolder = olderHolderOf(options.oldPassphrase);
    return diffGenerations(this, { ...requestOf(options), fromGen, toGen, olderHolder });
  }
}

/** A machine whose store is in memory. */
export class World extends Machine {
  declare readonly store: MemoryStore;

  /** After `init`: a config, and an empty store. */
  static async empty(seed = "world"): Promise<World> {
    const random = seededRandom(seed);
    const cost: KdfCost = { ...COST, salt: random.bytes(16) };
    const { recipient } = await derivePassphraseKey(Secret.ofText(OLD), cost);
    const vault = encodeBase64Url(random.bytes(16));
    const identity = { vault, repo: "api", env: ENV, cost, recipient, seenGen: 0 };
    return new World({ store: new MemoryStore(), clock: clockAt(START_MS), random, identity });
  }

  /** A vault that holds `secrets` at generation 1. */
  static async pushed(secrets: Secrets = { A: "1" }): Promise<World> {
    const world = await World.empty();
    await world.push(secrets);
    return world;
  }

  override with(parts: Partial<MachineParts> & { readonly store?: MemoryStore }): World;
  override with(parts: Partial<MachineParts>): Machine;
  override with(parts: Partial<MachineParts>): Machine {
    const whole = { ...this, ...parts };
    return whole.store instanceof MemoryStore ? new World(whole) : new Machine(whole);
  }

  /** Another world that starts from the same objects and the same time. */
  fork(): World {
    return this.with({ store: new MemoryStore({ bucket: this.objects() }), clock: clockAt(this.clock.ms) });
  }

  /** Another machine over the same objects, with the same clock. */
  peer(): World {
    return this.with({ store: new MemoryStore({ bucket: this.store.bucket }) });
  }

  /** A copy of all objects, to compare with later. */
  objects(): MemoryBucket {
    return new Map(this.store.bucket);
  }

  /** The object's bytes. */
  bytes(key: string): Uint8Array {
    const stored = this.store.bucket.get(key);
    if (stored === undefined) throw new TypeError(`no object ${key}`);
    return stored.bytes;
  }

  /** Puts bytes into the store behind vsync's back; null removes the object. Returns the world. */
  tamper(key: string, bytes: Uint8Array | null): this {
    if (bytes === null) this.store.bucket.delete(key);
    else this.store.bucket.set(key, { bytes, version: sha256Hex(bytes) });
    return this;
  }

  /** Puts a manifest of the test's own making into the store. */
  forge(manifest: Manifest, key: SigningKey): this {
    return this.tamper(MANIFEST_KEY, encodeManifest(manifest, key));
  }

  /** This world's store with some of its methods replaced. */
  storeWith(methods: Partial<ObjectStore>): ObjectStore {
    return new Proxy(this.store, {
      get(target, name) {
        const member: unknown = Reflect.get(name in methods ? methods : target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
  }

  /** From now on, the hook decides the store's answers. */
  failing(faults: FaultHook): this {
    this.store.faults = faults;
    return this;
  }

  /** The requests so far, in readable form: `replace manifest`. */
  get requests(): string[] {
    return this.store.requests.map(({ operation, key }) => `${operation} ${key}`);
  }
}

function requestOf({
  by = OLD,
  actor = ACTOR,
  note,
  meta,
  signal,
}: Writing<never>): AmendRequest & { holder: PassphraseHolder } {
  const annotation = { actor, ...(note === undefined ? {} : { note }), ...(meta === undefined ? {} : { meta }) };
  return { holder: holderOf(by), expect: { env: ENV }, annotation, signal };
}

/** Commits the proposal, unless `confirm` returns false. */
async function answered<Plan, Shown>(
  proposing: Proposal<Plan> | Promise<Proposal<Plan>>,
  { confirm }: Writing<Shown>,
  shownOf: (plan: Plan) => Shown,
): Promise<Written<Shown>> {
  using proposal = await proposing;
  const plan = shownOf(proposal.plan);
  const isAgreed = (await confirm?.(plan)) ?? true;
  return { plan, committed: isAgreed ? await proposal.commit() : null };
}

function same<Plan>(plan: Plan): Plan {
  return plan;
}

/** Runs every step of a commit. Returns their kinds. */
export async function takeAll(steps: AsyncIterable<CommitStep>): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind } of steps) kinds.push(kind);
  return kinds;
}

function olderHolderOf(older: OlderHolder | string = OLD): OlderHolder {
  return typeof older === "string" ? async () => holderOf(older) : older;
}

function namedData(items: Secrets | readonly NamedData[]): readonly NamedData[] {
  return isList(items) ? items : secretItems(items);
}

function isList(items: Secrets | readonly NamedData[]): items is readonly NamedData[] {
  return Array.isArray(items);
}

export function secretItems(secrets: Secrets): NamedData[] {
  return Object.entries(secrets).map(([name, value]) => ({ name, kind: "secret", data: Secret.ofText(value) }));
}

/** The root key of a holder that may read everything. */
export function rootKeyOf(keys: BundleKeys): Secret {
  if (keys instanceof RootKeys) return keys.rootKey;
  throw new TypeError("these keys open a view alone");
}

export function secretsOf(items: readonly NamedData[]): Secrets {
  return Object.fromEntries(items.map((item) => [item.name, item.data.exposeText()]));
}

/** The result of a write that must have changed something. */
export function committedBy({ committed }: Written<unknown>): Committed {
  if (committed === null) throw new TypeError("nothing was committed");
  return committed;
}

/** The error that a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const unexpected = new TypeError("was not rejected");
  const reason = await promise.then(
    () => unexpected,
    (error: unknown) => error,
  );
  if (reason === unexpected) throw unexpected;
  return reason;
}
