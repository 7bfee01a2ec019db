import { isSame, type NamedData } from "./changes.ts";

export interface MergeInput {
  /** What both sides started from; null if nobody can tell any more. Every name that differs is a conflict then. */
  readonly base: readonly NamedData[] | null;
  readonly ours: readonly NamedData[];
  readonly theirs: readonly NamedData[];
  /** Names whose conflict somebody has settled. */
  readonly settled: { readonly ours: readonly string[]; readonly theirs: readonly string[] };
}

export interface Merge {
  /** In the order of `theirs`, then what is ours alone. */
  readonly items: readonly NamedData[];
  /** Names that both sides changed, added or removed differently; `items` has ours. Sorted. */
  readonly conflicts: readonly string[];
}

/** Merges two changed sets of items by name, in three ways: a side that is as the base gives way to the other. */
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
