import { InputError } from "../../errors.ts";
import type { TokenEffect } from "../commit/plan-tokens.ts";
import { itemFault, type NamedData } from "../format/item.ts";

export type { NamedData } from "../format/item.ts";

/** Names, each list sorted. */
export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
}

/** What a proposal does to the vault's names. */
export interface ChangePlan {
  readonly changes: Changes;
  /** The newest generation now; 0 before the first push. */
  readonly gen: number;
  /** The scoped tokens that will read more or fewer names. */
  readonly tokens: readonly TokenEffect[];
}

export function isEmpty(changes: Changes): boolean {
  return changes.added.length + changes.changed.length + changes.removed.length === 0;
}

/** The changes from `before` to `after`, by name. */
export function compareItems(before: readonly NamedData[], after: readonly NamedData[]): Changes {
  const old = new Map(before.map((item) => [item.name, item]));
  const kept = new Set(after.map((item) => item.name));
  const stateOf = (item: NamedData) => {
    const previous = old.get(item.name);
    if (previous === undefined) return "added";
    return isSame(previous, item) ? "unchanged" : "changed";
  };
  const { added, changed, unchanged } = Object.groupBy(after, stateOf);
  return {
    added: namesOf(added),
    changed: namesOf(changed),
    removed: namesOf(before.filter(({ name }) => !kept.has(name))),
    unchanged: namesOf(unchanged),
  };
}

/** Sorted. */
function namesOf(items: readonly NamedData[] = []): readonly string[] {
  return items.map(({ name }) => name).toSorted();
}

export function isSame(a: NamedData, b: NamedData): boolean {
  return a.kind === b.kind && a.mode === b.mode && Buffer.compare(a.data.expose(), b.data.expose()) === 0;
}

/**
 * @throws InputError an item that the format does not allow, or a name that appears twice
 */
export function requireItems(items: readonly NamedData[]): void {
  const seen = new Set<string>();
  for (const item of items) {
    const fault = itemFault(item);
    if (fault !== null) throw refused(`${item.kind} ${JSON.stringify(item.name)} ${fault}`);
    if (seen.has(item.name)) throw refused(`the name ${JSON.stringify(item.name)} appears twice`);
    seen.add(item.name);
  }
}

function refused(fault: string): InputError {
  return new InputError(fault, {
    hint: "rename it or leave it out; a file and a secret may not have the same name either",
  });
}
