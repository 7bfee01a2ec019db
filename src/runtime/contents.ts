import type { Item } from "../vault/format/item.ts";
import type { OpenedVault } from "../vault/open/open.ts";

/** The data of an open handle. */
export interface Contents {
  readonly env: string;
  readonly generation: number;
  /** By name, in the vault's order. */
  readonly items: ReadonlyMap<string, Item>;
  /** Milliseconds since the store returned it; 0 if it did so just now. */
  readonly ageMs: number;
}

export function contentsOf({ manifest, bundle }: OpenedVault, ageMs = 0): Contents {
  const items = new Map(bundle.items.map((item) => [item.name, item]));
  return { env: manifest.env, generation: manifest.gen, items, ageMs };
}

export function zeroContents({ items }: Contents): void {
  for (const { data } of items.values()) data.destroy();
}
