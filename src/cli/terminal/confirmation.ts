import { InputError } from "../../errors.ts";
import type { Prompter } from "./prompter.ts";

/** What a command that asks before it writes was given. */
export interface ConfirmationFlags {
  readonly yes?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
}

/** For what is not to happen by accident. @throws InputError nobody can be asked, and `--yes` does not answer */
export function refuseUnasked(flags: ConfirmationFlags, prompter: Prompter): void {
  if (flags.yes || flags["dry-run"] || prompter.isInteractive) return;
  throw new InputError("missing the confirmation", { hint: "give --yes, or run this on a terminal" });
}
