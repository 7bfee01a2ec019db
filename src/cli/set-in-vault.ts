import { ConflictError, ManifestNotFoundError } from "../errors.ts";
import type { NamedData } from "../vault/changes.ts";
import { pushItems } from "../vault/push.ts";
import { type SetResult, setItems } from "../vault/set-items.ts";
import { identityOf, type Session } from "./session.ts";

/** As `setItems`; where nothing has been pushed yet, the items are the first push. */
export async function setInVault(session: Session, items: readonly NamedData[]): Promise<SetResult> {
  try {
    return await setItems(session.ports, session.request, items);
  } catch (error) {
    if (!(error instanceof ManifestNotFoundError)) throw error;
    return startWith(session, items);
  }
}

/** A push replaces all: where somebody pushed in between, it must not be made. */
async function startWith({ ports, request, config }: Session, items: readonly NamedData[]): Promise<SetResult> {
  const confirm = async ({ removed }: SetResult["changes"]): Promise<boolean> => removed.length === 0;
  const result = await pushItems(ports, { ...request, identity: identityOf(config), items, confirm });
  if (result.kind === "declined")
    throw new ConflictError("somebody made the first push meanwhile; nothing was written");
  const { changes } = result;
  if (result.kind !== "pushed") return { changes, committed: null, gen: result.gen };
  return { changes, committed: result.committed, gen: result.committed.manifest.gen };
}
