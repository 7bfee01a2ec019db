import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import {
  CONSENT_FLAGS,
  ENV_ARG,
  Flags,
  JSON_FLAG,
  NOTE_FLAG,
  SESSION_FLAGS,
  SETTLED_FLAG,
} from "../cli/command/flags.ts";
import { discardEdit, editVault } from "../cli/edit/edit.ts";
import { findEditor } from "../cli/edit/editor.ts";
import { renderOutcome } from "../cli/items/proposed-changes.ts";
import { configOf } from "../cli/session/config.ts";
import { THEN_PASSPHRASE_FLAG } from "../cli/session/older-passphrases.ts";
import { DAILY_WRITE, openSession } from "../cli/session/session.ts";

export class Edit extends BaseCommand {
  static override summary = "Change the secrets in your editor";
  static override description =
    `Opens the secrets in your editor (VISUAL or EDITOR), as a dotenv file in memory that only you can read, and commits
what you changed. If you remove a line, vsync asks and then removes that secret. What others commit in the meantime stays.
If you and they both changed a name, that is a conflict, until --theirs or --ours names it. Files stay as they are, and so
do values that dotenv cannot quote.

If the editor does not end with 0, vsync commits nothing. Text that is not in the vault yet is kept, even if vsync is
killed: --resume resumes it, --discard drops it. vsync starts vim with flags that keep it from copying what you type,
and warns about other editors that make copies.`;
  static override examples = [
    "<%= config.bin %> edit prod",
    "EDITOR=nano <%= config.bin %> edit prod",
    "<%= config.bin %> edit prod --resume --theirs=DATABASE_URL",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    resume: Flags.boolean({ description: "resume an edit that was not committed" }),
    discard: Flags.boolean({ description: "drop an edit that was not committed", exclusive: ["resume"] }),
    theirs: Flags.string({ description: "names to take from the vault", ...SETTLED_FLAG }),
    ours: Flags.string({ description: "names to keep as in your text", ...SETTLED_FLAG }),
    ...THEN_PASSPHRASE_FLAG,
    ...CONSENT_FLAGS,
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Edit>): Promise<void> {
    if (flags.discard)
      return discardEdit(await configOf({ flags, args }, this.sources, { use: "write" }), this.sources);
    findEditor(this.sources.variables);
    using session = await openSession({ flags, args }, this.sources, DAILY_WRITE);
    const { env } = session.config;
    const outcome = await editVault(session, flags, this.sources);
    const nothing = `Nothing to commit: ${env} already holds exactly this (gen=${outcome.plan.gen})`;
    renderOutcome(outcome, { nothing, done: `Updated ${env}` }, flags, this.output);
    await session.remember(outcome.committed?.manifest);
  }
}
