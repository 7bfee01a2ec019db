import { isSame, type NamedData } from "./changes.ts";

export interface MergeInput {
  /**
   * The items that both sides started from. If null, nobody can tell any more, and every name that differs is a
   * conflict.
   */
  readonly base: readonly NamedData[] | null;
  readonly ours: readonly NamedData[];
  readonly theirs: readonly NamedData[];
  /** Names whose conflict somebody has already resolved. */
  readonly settled: { readonly ours: readonly string[]; readonly theirs: readonly string[] };
}

export interface Merge {
  /** In the order of `theirs`, followed by the names that only `ours` has. */
  readonly items: readonly NamedData[];
  /** Names that both sides changed, added or removed in different ways. `items` has ours. Sorted. */
  readonly conflicts: readonly string[];
}

/** Three-way merge by name: if only one side changed an item, that side wins. */
export function mergeItems({ base, ours, theirs, settled }: MergeInput): Merge {
  const [before, here, there] = [byName(base ?? []), byName(ours), byName(theirs)];
  const conflicts: string[] = [];
  const resultOf = (name: string): NamedData | undefined => {
    const [old, mine, its] = [before.get(name), here.get(name), there.get(name)];
    if (isEqual(mine, its) || settled.ours.includes(name)) return mine;
    if (settled.theirs.includes(name) || (base !== null && isEqual(old, mine))) return its;
    if (base === null || !isEqual(old, its)) conflicts.push(name);
    return mine;
  };
  const names = new Set([...there.keys(), ...here.keys()]);
  const items = [...names].flatMap((name) => resultOf(name) ?? []);
  return { items, conflicts: conflicts.toSorted() };
}

function byName(items: readonly NamedData[]): ReadonlyMap<string, NamedData> {
  return new Map(items.map((item) => [item.name, item]));
}

function isEqual(a: NamedData | undefined, b: NamedData | undefined): boolean {
  return a === undefined || b === undefined ? a === b : isSame(a, b);
}
