import type { JsonObject } from "../../canonical-json.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import type { Version } from "../../ports.ts";
import type { NamedData } from "../format/item.ts";
import type { Actor, Manifest } from "../format/manifest.ts";
import { BUNDLE_PREFIX } from "../format/object-keys.ts";
import type { UnlockEntry } from "../format/unlock-entry.ts";
import type { VaultTokens } from "./vault-tokens.ts";

/** The generation that a commit builds on. */
export interface CommitBase {
  readonly vault: string;
  readonly repo: string;
  readonly env: string;
  /** Null for the first commit. */
  readonly current: CurrentGeneration | null;
}

/** The manifest that was read, and the key that signed it. */
export interface CurrentGeneration {
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's bytes, in hex. */
  readonly sha256: string;
  /** Null if the vault is moving here from another place: then this place must not have a manifest yet. */
  readonly version: Version | null;
  readonly signingKey: SigningKey;
  /** `StoredObject.skewMs` of the manifest. */
  readonly skewMs?: number | undefined;
}

/** The author of a commit, and the reasons for its audit row. */
export interface Annotation {
  readonly actor: Actor;
  readonly note?: string;
  readonly meta?: JsonObject;
}

/** The content of a new generation. */
export interface Draft extends Annotation {
  readonly action: string;
  readonly meta: JsonObject;
  readonly items: readonly NamedData[];
  /** Endorsed for `signingKey`. When the commit reads the clock, it drops those whose grace window is over. */
  readonly unlock: readonly UnlockEntry[];
  /** Signs this generation. A rotation replaces the key that signed the one before. */
  readonly signingKey: SigningKey;
  readonly rotates: boolean;
  /** The commit seals slots, views and boxes anew from these, and drops tokens that have ended. */
  readonly tokens: VaultTokens;
}

/** The base for a commit on top of this generation. */
export function baseOn({ manifest, sha256, version, signingKey, skewMs }: CurrentGeneration): CommitBase {
  const { vault, repo, env } = manifest;
  return { vault, repo, env, current: { manifest, sha256, version, signingKey, skewMs } };
}

/** 0 for the first commit. */
export function currentGen({ current }: CommitBase): number {
  return current?.manifest.gen ?? 0;
}

/** `<ts>` of the current bundle's key. */
export function currentTs({ current }: CommitBase): string | null {
  return current === null ? null : current.manifest.bundle.key.slice(BUNDLE_PREFIX.length);
}
