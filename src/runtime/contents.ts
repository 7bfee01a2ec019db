import type { TokenSnapshot } from "../tokens/snapshot.ts";
import type { Item } from "../vault/format/item.ts";
import { hasMoved, movedTo, type VaultPlace } from "../vault/format/moved.ts";
import type { OpenedVault } from "../vault/open/open.ts";
import { snapshotOf } from "../vault/tokens/read.ts";
import type { HeldToken } from "./held-token.ts";

/** The data of an open handle. */
export interface Contents {
  readonly env: string;
  readonly generation: number;
  /** By name, in the vault's order. */
  readonly items: ReadonlyMap<string, Item>;
  /** Milliseconds since the store returned it; 0 if it did so just now. */
  readonly ageMs: number;
  /** The vault's id. */
  readonly vault: string;
  /** What the vault told the scoped token that opened it; null for a passphrase. */
  readonly token: TokenSnapshot | null;
  /** Where the vault went, if it has moved away from here. */
  readonly moved: { readonly message: string; readonly to: VaultPlace } | null;
}

export function contentsOf({ manifest, bundle }: OpenedVault, ageMs = 0): Contents {
  const items = new Map(bundle.items.map((item) => [item.name, item]));
  const { env, gen: generation, vault } = manifest;
  const to = movedTo(manifest);
  return {
    env,
    generation,
    items,
    ageMs,
    vault,
    token: bundle.keys.token === null ? null : snapshotOf(manifest, bundle.keys),
    moved: to === null ? null : { message: hasMoved(manifest, to).message, to },
  };
}

/** What an open handle keeps: the data, and the scoped token that opened it. */
export interface HeldContents extends Contents {
  readonly held: HeldToken | null;
}

export function zeroContents({ items, token, held = null }: Contents & Partial<HeldContents>): void {
  for (const { data } of items.values()) data.destroy();
  for (const { privateKey } of token?.signers ?? []) privateKey.fill(0);
  held?.[Symbol.dispose]();
}
