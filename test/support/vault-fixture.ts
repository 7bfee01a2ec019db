import { randomBytes } from "node:crypto";
import type { RuntimeToken } from "../../src/blob/token.ts";
import { type KdfCost } from "../../src/crypto/argon2id.ts";
import { encodeBase64, encodeBase64Url } from "../../src/crypto/base64.ts";
import { derivePassphraseKey } from "../../src/crypto/kdf.ts";
import { Secret } from "../../src/crypto/secret.ts";
import type { ObjectStore } from "../../src/ports.ts";
import type { CommitPorts } from "../../src/vault/commit/commit.ts";
import type { Committed } from "../../src/vault/commit/proposal.ts";
import type { ItemKind } from "../../src/vault/format/item.ts";
import type { Manifest } from "../../src/vault/format/manifest.ts";
import type { VaultIdentity } from "../../src/vault/join.ts";
import { proposePush } from "../../src/vault/push.ts";
import { openRotation } from "../../src/vault/rotate.ts";
import type { PassphraseHolder } from "../../src/vault/unlock/passphrase-holder.ts";
import { holding } from "./passphrases.ts";

/** The lowest cost that the format allows. */
const LEAST_COST = { iterations: 1, memoryKiB: 8192, parallelism: 1 } as const;
export const PASSPHRASE = "correct horse battery staple";

const ACTOR = { user: "ann", host: "build-7", tool: "vsync/test" };

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
  /** Argon2id; default: {@link LEAST_COST}. */
  readonly cost?: Omit<KdfCost, "salt">;
}

/** The fields of a runtime token about a vault; the caller adds the location. */
export type VaultTokenFields = Required<
  Pick<RuntimeToken, "v" | "env" | "salt" | "iterations" | "kdf" | "memoryKiB" | "parallelism" | "vault" | "minGen">
>;

export interface VaultFixture {
  readonly vault: string;
  /** As a token minted right after the vault was made: `minGen` is 1. */
  readonly tokenFields: VaultTokenFields;
  /** Commits the whole set of items as the next generation. */
  push(items: readonly FixtureItem[]): Promise<Manifest>;
  /** Rotates to another passphrase, which alone may `push` afterwards; with `graceMs` the first one keeps reading. */
  rotate(newPassphrase: string, graceMs?: number): Promise<Manifest>;
}

/** Makes a vault at generation 1 in an empty store. */
export async function createVault(store: ObjectStore, options: VaultOptions): Promise<VaultFixture> {
  const { passphrase = PASSPHRASE, env = "prod" } = options;
  const cost: KdfCost = { ...LEAST_COST, ...options.cost, salt: randomBytes(16) };
  const { recipient } = await derivePassphraseKey(Secret.ofText(passphrase), cost);
  const vault = encodeBase64Url(randomBytes(16));
  const identity = { vault, repo: "api", env, seenGen: 0 };
  const writer = new Writer({ store, identity, cost }, holding(passphrase, { cost, recipient }));
  await writer.push(options.items);
  const { salt, ...rest } = cost;
  return {
    vault,
    tokenFields: { v: 1, env, salt: encodeBase64(salt), ...rest, kdf: "argon2id", vault, minGen: 1 },
    push: (items) => writer.push(items),
    rotate: (newPassphrase, graceMs) => writer.rotate(newPassphrase, graceMs),
  };
}

interface WriterParts {
  readonly store: ObjectStore;
  readonly identity: VaultIdentity;
  readonly cost: Omit<KdfCost, "salt">;
}

class Writer {
  readonly #ports: CommitPorts;
  readonly #identity: VaultIdentity;
  readonly #cost: Omit<KdfCost, "salt">;
  #holder: PassphraseHolder;

  constructor({ store, identity, cost }: WriterParts, holder: PassphraseHolder) {
    this.#ports = { store, clock: { nowMs: Date.now }, random: { bytes: randomBytes } };
    this.#identity = identity;
    this.#cost = cost;
    this.#holder = holder;
  }

  async push(items: readonly FixtureItem[]): Promise<Manifest> {
    using proposal = await proposePush(this.#ports, {
      holder: this.#holder,
      identity: this.#identity,
      annotation: { actor: ACTOR },
      items: items.map(({ kind = "secret", data, ...item }) => ({ ...item, kind, data: secretOf(data) })),
    });
    return manifestOf(await proposal.commit());
  }

  async rotate(newPassphrase: string, graceMs?: number): Promise<Manifest> {
    const { vault, env } = this.#identity;
    const request = { holder: this.#holder, expect: { vault, env }, annotation: { actor: ACTOR } };
    using rotation = await openRotation(this.#ports, request);
    const grace = graceMs === undefined ? {} : { graceMs };
    using proposal = rotation.propose({ newPassphrase: Secret.ofText(newPassphrase), cost: this.#cost, ...grace });
    const manifest = manifestOf(await proposal.commit());
    this.#holder = holding(newPassphrase);
    return manifest;
  }
}

function manifestOf(committed: Committed | null): Manifest {
  if (committed === null) throw new Error("nothing was written");
  return committed.manifest;
}

function secretOf(data: string | Uint8Array): Secret {
  return typeof data === "string" ? Secret.ofText(data) : Secret.ofBytes(Uint8Array.from(data));
}
