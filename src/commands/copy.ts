import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import {
  CONSENT_FLAGS,
  Flags,
  JSON_FLAG,
  NOTE_FLAG,
  PASSPHRASE_FLAG,
  requiredArg,
  VAULT_FLAGS,
} from "../cli/command/flags.ts";
import { copyItems } from "../cli/items/copy.ts";
import { renderOutcome } from "../cli/items/proposed-changes.ts";
import { SELECTION_FLAGS } from "../cli/items/selection.ts";
import { OTHER_PASSPHRASE_FLAG } from "../cli/session/other-env.ts";

export class Copy extends BaseCommand {
  static override summary = "Copy secrets and files from one env into another";
  static override description =
    `Copies everything, or only some names with --only and --except. The second env keeps everything else that it holds.
On a terminal, vsync asks before it overwrites a value; in a protected env, before it changes anything. Shows names, never
values.`;
  static override examples = [
    "<%= config.bin %> copy staging prod --only=STRIPE_KEY,SMTP_URL",
    "<%= config.bin %> copy staging prod --except=DATABASE_URL --dry-run",
    "<%= config.bin %> copy staging prod --only=STRIPE_KEY --confirm=prod",
  ];
  static override args = { from: requiredArg("env to copy from"), to: requiredArg("env to copy into") };
  static override flags = {
    repo: VAULT_FLAGS.repo,
    ...PASSPHRASE_FLAG,
    ...OTHER_PASSPHRASE_FLAG,
    ...SELECTION_FLAGS,
    ...CONSENT_FLAGS,
    "dry-run": Flags.boolean({ description: "show what would change and write nothing" }),
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args: { from, to } }: Invocation<typeof Copy>): Promise<void> {
    const outcome = await copyItems([from, to], flags, this.sources);
    const nothing = `Nothing to copy: ${to} already holds the same (gen=${outcome.plan.gen})`;
    renderOutcome(outcome, { nothing, done: `Copied ${from} into ${to}` }, flags, this.output);
  }
}
