import { InputError } from "../errors.ts";
import { type Changes, compareItems, identifyItems, isEmpty, type NamedData, NO_CHANGES } from "./changes.ts";
import { type AmendRequest, amendVault } from "./commit/amend.ts";
import type { CommitPorts, Committed } from "./commit/commit.ts";

export interface SetResult {
  readonly changes: Changes;
  /** Null where the vault held these very values already, or `confirm` said no. */
  readonly committed: Committed | null;
  /** The newest generation: the committed one, or the one that was there. */
  readonly gen: number;
}

/** Makes the error for a name that the vault does not hold; a caller may know how to suggest another. */
export type NoSuchName = (name: string, items: readonly NamedData[]) => Error;

const noSuchName: NoSuchName = (name) =>
  new InputError(`the vault has no ${JSON.stringify(name)}`, { hint: "`vsync list` shows the names" });

/** Asked before the first write, where something would change; false ends it. */
export type ConfirmChanges = (changes: Changes) => Promise<boolean>;

/** Adds items or gives them new data; all others stay. */
export async function setItems(
  ports: CommitPorts,
  request: AmendRequest,
  items: readonly NamedData[],
  confirm: ConfirmChanges = async () => true,
): Promise<SetResult> {
  const named = new Set(items.map((item) => item.name));
  const edit = (before: readonly NamedData[]) => [...before.filter((item) => !named.has(item.name)), ...items];
  return editItems(ports, request, { action: "set", edit, confirm });
}

/** @throws what `toError` makes, an InputError: the vault has no item of one of these names; nothing was written */
export async function unsetItems(
  ports: CommitPorts,
  request: AmendRequest,
  names: readonly string[],
  toError: NoSuchName = noSuchName,
): Promise<SetResult> {
  const edit = (before: readonly NamedData[]) => {
    const missing = names.find((name) => !before.some((item) => item.name === name));
    if (missing !== undefined) throw toError(missing, before);
    return before.filter((item) => !names.includes(item.name));
  };
  return editItems(ports, request, { action: "unset", edit, confirm: async () => true });
}

interface Edit {
  readonly action: string;
  readonly edit: (before: readonly NamedData[]) => readonly NamedData[];
  readonly confirm: ConfirmChanges;
}

async function editItems(
  ports: CommitPorts,
  request: AmendRequest,
  { action, edit, confirm }: Edit,
): Promise<SetResult> {
  let changes = NO_CHANGES;
  let gen = 0;
  const committed = await amendVault(ports, request, async ({ bundle, manifest }) => {
    gen = manifest.gen;
    const after = edit(bundle.items);
    changes = compareItems(bundle.items, after);
    if (isEmpty(changes)) return null;
    const items = identifyItems(ports.random, after, bundle.items);
    return (await confirm(changes)) ? { action, items } : null;
  });
  return { changes, committed, gen: committed?.manifest.gen ?? gen };
}
