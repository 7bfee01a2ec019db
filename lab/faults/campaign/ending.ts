import { OutcomeUnknownError, VsyncError } from "../../../src/errors.ts";
import type { Committed } from "../../../src/vault/commit/proposal.ts";
import { ProcessDeath } from "../failing-store.ts";

/** What the command reports to its user. */
export type Ending =
  /** `outstanding`: the commit stands, but its audit row could not be appended. `idle`: nothing to commit. */
  | { readonly said: "done" | "outstanding" | "idle" }
  /** An error of a documented class; `message` is for the report of a failed trial. */
  | { readonly said: "refused" | "unknown"; readonly message: string }
  /** The process was killed and reported nothing. */
  | { readonly said: "nothing" }
  /** An undocumented error. */
  | { readonly said: "crashed"; readonly message: string };

export async function endingOf(act: () => Promise<Committed | null>): Promise<Ending> {
  try {
    const committed = await act();
    if (committed === null) return { said: "idle" };
    return { said: committed.auditFault === null ? "done" : "outstanding" };
  } catch (error) {
    if (error instanceof ProcessDeath) return { said: "nothing" };
    if (!(error instanceof VsyncError)) return { said: "crashed", message: String(error) };
    const said = error instanceof OutcomeUnknownError ? "unknown" : "refused";
    return { said, message: `${error.name}: ${error.message}` };
  }
}
