import { randomBytes } from "node:crypto";
import type { RuntimeToken } from "../../src/blob/token.ts";
import type { KdfCost } from "../../src/crypto/argon2id.ts";
import { encodeBase64, encodeBase64Url } from "../../src/crypto/base64.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { ObjectStore } from "../../src/ports.ts";
import type { ItemKind } from "../../src/vault/format/item.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import type { NamedData } from "../../src/vault/items/changes.ts";
import type { GivenClaims } from "../../src/vault/tokens/create.ts";
import { recipientOf } from "../../src/vault/unlock/passphrase-holder.ts";
import { COST, committedBy, ENV, Machine } from "./world.ts";

export const PASSPHRASE = "correct horse battery staple";

export interface FixtureItem {
  readonly name: string;
  /** Default: `secret`. */
  readonly kind?: ItemKind;
  readonly mode?: number;
  readonly data: string | Uint8Array;
}

export interface VaultOptions {
  readonly items: readonly FixtureItem[];
  /** Default: {@link PASSPHRASE}. */
  readonly passphrase?: string;
  /** Default: `prod`. */
  readonly env?: string;
  /** Argon2id; default: {@link COST}. */
  readonly cost?: Omit<KdfCost, "salt">;
}

/** The fields of a runtime token for a vault; the caller adds the location. */
export type VaultTokenFields = Required<
  Pick<RuntimeToken, "v" | "env" | "salt" | "iterations" | "kdf" | "memoryKiB" | "parallelism" | "vault" | "minGen">
>;

export interface VaultFixture {
  readonly vault: string;
  /** As in a token minted right after the vault was created: `minGen` is 1. */
  readonly tokenFields: VaultTokenFields;
  /** Commits the whole set of items as the next generation. */
  push(items: readonly FixtureItem[]): Promise<Manifest>;
  /**
   * Rotates to another passphrase, and only that one may `push` afterwards; with `graceMs` the first one still reads.
   */
  rotate(newPassphrase: string, graceMs?: number): Promise<Manifest>;
  /** Creates a scoped token, by default one that reads everything. */
  createToken(claims: Partial<GivenClaims>): Promise<CreatedToken>;
  revokeToken(id: string): Promise<void>;
  settings(settings: unknown): Promise<void>;
  /** Creates a gateway key; earlier ones verify for `overlapMs`, default a day. */
  rotateGatewayKeys(overlapMs?: number): Promise<void>;
}

/** A scoped token and the fields that its blob needs. */
export interface CreatedToken {
  readonly id: string;
  readonly credential: string;
  readonly anchor: string;
  readonly gen: number;
}

/** Creates a vault at generation 1 in an empty store, with this machine's own clock and randomness. */
export async function createVault(store: ObjectStore, options: VaultOptions): Promise<VaultFixture> {
  const { passphrase = PASSPHRASE, env = ENV } = options;
  const cost = { ...COST, ...options.cost };
  const salt = randomBytes(16);
  const hint = { cost: { ...cost, salt }, recipient: await recipientOf(Secret.ofText(passphrase), { ...cost, salt }) };
  const vault = encodeBase64Url(randomBytes(16));
  const identity = { vault, repo: "api", env, seenGen: 0, ...hint };
  const clock = { ms: 0, nowMs: Date.now };
  const machine = new Machine({ store, clock, random: { bytes: randomBytes }, identity });
  let by = passphrase;
  const push = async (items: readonly FixtureItem[]) =>
    committedBy(await machine.push(items.map(named), { by })).manifest;
  await push(options.items);
  return {
    vault,
    tokenFields: { v: 1, env, salt: encodeBase64(salt), ...cost, kdf: "argon2id", vault, minGen: 1 },
    push,
    async rotate(to, graceMs) {
      const { manifest } = committedBy(await machine.rotate(by, to, { cost, ...(graceMs && { graceMs }) }));
      by = to;
      return manifest;
    },
    async createToken(claims) {
      const { plan, committed } = await machine.createToken(claims, { by });
      const { certs = [], gen } = committedBy({ plan, committed }).manifest;
      const credential = plan.credential?.exposeText() ?? "";
      return { id: plan.token.id, credential, anchor: certs.at(-1)?.anchor ?? "", gen };
    },
    async revokeToken(id) {
      await machine.revokeTokens([id], { by });
    },
    async settings(settings) {
      await machine.settings(settings, { by });
    },
    async rotateGatewayKeys(overlapMs) {
      await machine.rotateGatewayKeys({ by, ...(overlapMs !== undefined && { overlapMs }) });
    },
  };
}

function named({ kind = "secret", data, ...item }: FixtureItem): NamedData {
  return {
    ...item,
    kind,
    data: typeof data === "string" ? Secret.ofText(data) : Secret.ofBytes(Uint8Array.from(data)),
  };
}
