import { ConflictError, ManifestNotFoundError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { pushItems } from "../../vault/push.ts";
import { type ConfirmChanges, type SetResult, setItems } from "../../vault/set.ts";
import { identityOf, type Session } from "../session/session.ts";

/** As `setItems`; where nothing has been pushed yet, the items are the first push. */
export async function setInVault(
  session: Session,
  items: readonly NamedData[],
  confirm: ConfirmChanges = async () => true,
): Promise<SetResult> {
  try {
    return await setItems(session.ports, session.request, items, confirm);
  } catch (error) {
    if (!(error instanceof ManifestNotFoundError)) throw error;
    return startWith(session, items, confirm);
  }
}

/** A push replaces everything, so it must not be made if somebody has pushed in between. */
async function startWith(
  { ports, request, config }: Session,
  items: readonly NamedData[],
  confirm: ConfirmChanges,
): Promise<SetResult> {
  const confirmFirst = async (changes: SetResult["changes"]): Promise<boolean> => {
    if (changes.removed.length === 0) return confirm(changes);
    throw new ConflictError("somebody else made the first push meanwhile; nothing was written");
  };
  const result = await pushItems(ports, { ...request, identity: identityOf(config), items, confirm: confirmFirst });
  const { changes } = result;
  if (result.kind !== "pushed") return { changes, committed: null, gen: result.gen };
  return { changes, committed: result.committed, gen: result.committed.manifest.gen };
}
