import { createHash } from "node:crypto";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { type KdfCost } from "../../src/crypto/kdf-cost.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { Clock, Random } from "../../src/ports.ts";
import type { NamedData } from "../../src/vault/changes.ts";
import type { AmendRequest } from "../../src/vault/commit/amend.ts";
import type { CommitPorts, Committed } from "../../src/vault/commit/commit.ts";
import type { Item } from "../../src/vault/format/item.ts";
import type { VaultIdentity } from "../../src/vault/join.ts";
import { type OpenedVault, openWith } from "../../src/vault/open/open.ts";
import { type PushRequest, type PushResult, pushItems } from "../../src/vault/push.ts";
import { type RotateRequest, type Rotation, rotatePassphrase } from "../../src/vault/rotate.ts";
import { PassphraseKeys } from "../../src/vault/unlock/passphrase-holder.ts";
import { MemoryStore } from "../support/memory-store.ts";

/** The least that the format allows. */
export const COST = { iterations: 1, memoryKiB: 8192, parallelism: 1 } as const;
export const START_MS = Date.parse("2026-01-01T00:00:00.000Z");
export const HOUR_MS = 3_600_000;
export const ENV = "prod";
export const ACTOR = { user: "ann", host: "build-7", tool: "vsync/0.1.0" };
/** The passphrase that a world's vault starts with, and the one that it is rotated to. */
export const OLD = "the old passphrase";
export const NEW = "the new passphrase";

export type Secrets = Readonly<Record<string, string>>;

export interface SettableClock extends Clock {
  ms: number;
}

/** The ports of one machine, and its config. */
export interface Machine extends CommitPorts {
  readonly clock: SettableClock;
  readonly identity: VaultIdentity;
}

/** A machine whose store is in memory. */
export interface World extends Machine {
  readonly store: MemoryStore;
}

export function clockAt(ms: number): SettableClock {
  return {
    ms,
    nowMs() {
      return this.ms;
    },
  };
}

/** The same bytes in every run: SHAKE256 over a counter. */
export function seededRandom(seed: string): Random {
  let drawn = 0;
  return {
    bytes(length) {
      const outputLength = length;
      return createHash("shake256", { outputLength }).update(`${seed}|${drawn++}`).digest();
    },
  };
}

/** A machine after `init`: a config, and an empty store. */
export async function emptyWorld(seed = "world"): Promise<World> {
  const random = seededRandom(seed);
  const cost: KdfCost = { ...COST, salt: random.bytes(16) };
  const { recipient } = await derivePassphraseKey(Secret.ofText(OLD), cost);
  const vault = Buffer.from(random.bytes(16)).toString("base64url");
  const identity = { vault, repo: "api", env: ENV, cost, recipient, seenGen: 0 };
  return { store: new MemoryStore(), clock: clockAt(START_MS), random, identity };
}

/** A world whose vault holds `secrets` at generation 1. */
export async function pushedWorld(secrets: Secrets = { A: "1" }): Promise<World> {
  const world = await emptyWorld();
  await push(world, OLD, secrets);
  return world;
}

/** Another world that starts from the same objects and the same time. */
export function forkOf(world: World): World {
  return { ...world, store: new MemoryStore({ bucket: new Map(world.store.bucket) }), clock: clockAt(world.clock.ms) };
}

/** Another machine over the same objects, with the same clock. */
export function peerOf(world: World): World {
  return { ...world, store: new MemoryStore({ bucket: world.store.bucket }) };
}

export function secretItems(secrets: Secrets): NamedData[] {
  return Object.entries(secrets).map(([name, value]) => ({ name, kind: "secret", data: Secret.ofText(value) }));
}

export async function push(
  machine: Machine,
  passphrase: string,
  secrets: Secrets,
  more: Partial<PushRequest> = {},
): Promise<PushResult> {
  return pushItems(machine, {
    passphrase: Secret.ofText(passphrase),
    identity: machine.identity,
    annotation: { actor: ACTOR },
    items: secretItems(secrets),
    confirm: async () => true,
    ...more,
  });
}

export function amendRequest(passphrase: string): AmendRequest {
  return { passphrase: Secret.ofText(passphrase), expect: { env: ENV }, annotation: { actor: ACTOR } };
}

export function rotateRequest(from: string, to: string, more: Partial<RotateRequest> = {}): RotateRequest {
  return {
    ...amendRequest(from),
    newPassphrase: Secret.ofText(to),
    cost: COST,
    confirm: async () => true,
    ...more,
  };
}

export async function rotate(
  machine: Machine,
  from: string,
  to: string,
  more: Partial<RotateRequest> = {},
): Promise<Rotation> {
  const rotation = await rotatePassphrase(machine, rotateRequest(from, to, more));
  if (rotation === null) throw new TypeError("the rotation was declined");
  return rotation;
}

export function committedBy(result: PushResult): Committed {
  if (result.kind !== "pushed") throw new TypeError(`nothing was pushed: ${result.kind}`);
  return result.committed;
}

const keysOf = new Map<string, PassphraseKeys>();

/** Opens as `openVault` does; each key is derived once in a test file, since deriving is what such tests spend their time on. */
export async function open(machine: Machine, passphrase: string): Promise<OpenedVault> {
  const keys = keysOf.get(passphrase) ?? new PassphraseKeys(Secret.ofText(passphrase));
  keysOf.set(passphrase, keys);
  return openWith(machine, { passphrase: Secret.ofText(passphrase), expect: { env: ENV } }, keys);
}

export function secretsOf(items: readonly Item[]): Secrets {
  return Object.fromEntries(items.map((item) => [item.name, item.data.exposeText()]));
}

export async function secretsIn(machine: Machine, passphrase: string): Promise<Secrets> {
  return secretsOf((await open(machine, passphrase)).bundle.items);
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const unexpected = new TypeError("was not rejected");
  const reason = await promise.then(
    () => unexpected,
    (error: unknown) => error,
  );
  if (reason === unexpected) throw unexpected;
  return reason;
}

/** The requests of a store so far, for a person to read: `replace manifest`. */
export function requestsOf(store: MemoryStore): string[] {
  return store.requests.map(({ operation, key }) => `${operation} ${key}`);
}
