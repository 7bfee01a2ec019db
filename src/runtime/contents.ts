import type { Claims } from "../tokens/claims.ts";
import type { Item } from "../vault/format/item.ts";
import type { OpenedVault } from "../vault/open/open.ts";
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
  /** Of the scoped token that opened it; null for a passphrase. */
  readonly claims: Claims | null;
}

export function contentsOf({ manifest, bundle }: OpenedVault, ageMs = 0): Contents {
  const items = new Map(bundle.items.map((item) => [item.name, item]));
  const claims = bundle.keys.token?.claims ?? null;
  return { env: manifest.env, generation: manifest.gen, items, ageMs, vault: manifest.vault, claims };
}

/** What an open handle keeps: the data, and the scoped token that opened it. */
export interface HeldContents extends Contents {
  readonly held: HeldToken | null;
}

export function zeroContents({ items, held = null }: Contents & Partial<HeldContents>): void {
  for (const { data } of items.values()) data.destroy();
  held?.[Symbol.dispose]();
}
