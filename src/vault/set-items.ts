import { InputError } from "../errors.ts";
import { type AmendRequest, amendVault } from "./amend.ts";
import { type Changes, compareItems, identifyItems, isEmpty, type NamedData } from "./changes.ts";
import type { CommitPorts, Committed } from "./commit.ts";

export interface SetResult {
  readonly changes: Changes;
  /** Null where the vault held these very values already. */
  readonly committed: Committed | null;
}

/** Adds items or gives them new data; all others stay. */
export async function setItems(
  ports: CommitPorts,
  request: AmendRequest,
  items: readonly NamedData[],
): Promise<SetResult> {
  const named = new Set(items.map((item) => item.name));
  return editItems(ports, request, "set", (before) => [...before.filter((item) => !named.has(item.name)), ...items]);
}

/** @throws InputError the vault has no item of one of these names; nothing was written */
export async function unsetItems(
  ports: CommitPorts,
  request: AmendRequest,
  names: readonly string[],
): Promise<SetResult> {
  return editItems(ports, request, "unset", (before) => {
    const missing = names.find((name) => !before.some((item) => item.name === name));
    if (missing !== undefined) {
      throw new InputError(`the vault has no ${JSON.stringify(missing)}`, { hint: "`vsync list` shows the names" });
    }
    return before.filter((item) => !names.includes(item.name));
  });
}

async function editItems(
  ports: CommitPorts,
  request: AmendRequest,
  action: string,
  edit: (before: readonly NamedData[]) => readonly NamedData[],
): Promise<SetResult> {
  let changes: Changes = { added: [], changed: [], removed: [], unchanged: [] };
  const committed = await amendVault(ports, request, async ({ bundle }) => {
    const after = edit(bundle.items);
    changes = compareItems(bundle.items, after);
    return isEmpty(changes) ? null : { action, items: identifyItems(ports.random, after, bundle.items) };
  });
  return { changes, committed };
}
