import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { CONSENT_FLAGS, ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { renderOutcome } from "../cli/items/proposed-changes.ts";
import { pushFiles } from "../cli/items/push.ts";
import { THEN_PASSPHRASE_FLAG } from "../cli/session/older-passphrases.ts";
import { DAILY_WRITE, openSession } from "../cli/session/session.ts";
import { DIFFERENT_EXIT_CODE } from "../exit-codes.ts";
import { isEmpty } from "../vault/items/changes.ts";

export class Push extends BaseCommand {
  static override summary = "Replace the vault's content with dotenv and binary files";
  static override description =
    `Removes everything that the files lack; on a terminal, vsync asks first. Shows names, never values. A push that changes
nothing writes nothing.

A file that \`vsync pull\` wrote says in its first line which generation it comes from. If your push would undo a newer
change to a secret, vsync pushes nothing and ends with 5; \`vsync pull --merge\` keeps both sides, and --force pushes over
it. For a pipe, --base names the generation. Without a base, vsync also asks before it changes a secret. --yes answers
questions, but never overrules newer work.

push names the new values that tools read in different ways, because of a backslash, $, # or ;. It also names values that are
rarely meant: with white space at an end, quotes around them, or a reference. To add what other tools print, use
\`vsync import --from=<tool>\`.

--dry-run --exit-code ends with 7 if the files differ from the vault.`;
  static override examples = [
    "<%= config.bin %> push prod",
    "<%= config.bin %> push prod --file certs/ca.pem=./ca.pem",
    "sops -d prod.enc.env | <%= config.bin %> push prod --from=- --base=5",
    "<%= config.bin %> push prod --dry-run --exit-code",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    from: Flags.string({ description: "dotenv file, - for stdin (default: `.env.<env>`)", helpValue: "<file>" }),
    file: Flags.string({
      description: "binary file to store under a name, - for stdin",
      helpValue: "<name>=<path>",
      multiple: true,
    }),
    base: Flags.integer({ description: "generation that the content comes from", helpValue: "<gen>", min: 1 }),
    ...THEN_PASSPHRASE_FLAG,
    force: Flags.boolean({ char: "f", description: "push over what others have changed since" }),
    strict: Flags.boolean({ description: "refuse doubtful values instead of naming them" }),
    ...CONSENT_FLAGS,
    "allow-empty": Flags.boolean({ description: "let an empty input empty the vault, or begin an empty one" }),
    "dry-run": Flags.boolean({ description: "show what would change and write nothing" }),
    "exit-code": Flags.boolean({ description: "end with 7 if something would change", dependsOn: ["dry-run"] }),
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Push>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, DAILY_WRITE);
    const { env } = session.config;
    const outcome = await pushFiles(session, flags, this.sources);
    const { gen, changes } = outcome.plan;
    const nothing = `Nothing to push: ${env} already holds exactly this (gen=${gen})`;
    renderOutcome(outcome, { nothing, done: `Pushed ${env}` }, flags, this.output);
    if (flags["exit-code"] && !isEmpty(changes)) this.exitWith(DIFFERENT_EXIT_CODE);
    await session.remember(outcome.committed?.manifest);
  }
}
