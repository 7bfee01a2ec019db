import { type AmendRequest, amendVault } from "./amend.ts";
import { type Changes, compareItems } from "./changes.ts";
import type { CommitPorts, Committed } from "./commit.ts";
import { openThen, type PassphraseThen } from "./open-then.ts";

export interface RestoreRequest extends AmendRequest {
  /** The generation whose items are to be the current ones again. */
  readonly gen: number;
  readonly passphraseThen: PassphraseThen;
  /** Asked before the first write; false ends the restore. */
  confirm(changes: Changes): Promise<boolean>;
}

/** Makes a new generation from the items of an old one. Null where `confirm` said no. */
export async function restoreGeneration(ports: CommitPorts, request: RestoreRequest): Promise<Committed | null> {
  return amendVault(ports, request, async (vault) => {
    const then = await openThen(ports.store, vault.manifest, request);
    if (!(await request.confirm(compareItems(vault.bundle.items, then.items)))) return null;
    return { action: "restore", items: then.items, meta: { event: "restore", from_gen: request.gen } };
  });
}
