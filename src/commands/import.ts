import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { IMPORT_FORMATS, readImport } from "../cli/import/read-import.ts";
import { settleDoubts } from "../cli/items/dotenv/doubts.ts";
import { beforeRemoving, commitChanges, renderOutcome } from "../cli/items/proposed-changes.ts";
import { DAILY_WRITE, openSession } from "../cli/session/session.ts";
import { proposePush } from "../vault/items/push.ts";
import { proposeSetOrFirstPush } from "../vault/items/set.ts";

export class Import extends BaseCommand {
  static override summary = "Add secrets from other tools' files to the vault";
  static override description =
    `Adds and changes secrets as one new generation and keeps the rest of the vault, unless you give --replace. Shows names,
never values.

json and yaml hold one flat object (or a nested one, with --flatten) or a list of {name, value}; numbers and booleans are
taken as written. k8s is one Secret, several, or a List. docker is an --env-file, or a folder of secret files like
/run/secrets. An entry of k8s or of such a folder becomes a file if it cannot be a variable: because of its name
(tls.crt), or because it is not text. Without --format, the file's name and content decide, if they are unambiguous.

Every tool has its own rules for dotenv. --from=chamber, doppler, heroku, vercel, sops or compose reads what that tool
printed, as that tool means it: from stdin, or from a file with --from=vercel:<file>. --from=shell reads what
\`export -p\` and \`vsync export --format=shell\` print. In any other dotenv file, import names the new values that tools
read in different ways. It also names values that are rarely meant: with white space at an end, quotes around them, or a
reference.`;
  static override examples = [
    "<%= config.bin %> import prod --from=secrets.json --dry-run",
    "<%= config.bin %> import prod --from=/run/secrets",
    "kubectl get secret api -o yaml | <%= config.bin %> import prod --from=- --format=k8s",
    "chamber export api | <%= config.bin %> import prod --from=chamber",
    "sops -d secrets.yaml | <%= config.bin %> import prod --from=- --format=yaml --flatten=__ --upper",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    from: Flags.string({
      description: "file, folder of secret files, - for stdin, or the tool that wrote it",
      helpValue: "<path>",
      required: true,
    }),
    format: Flags.option({
      options: IMPORT_FORMATS,
      description: "format of the input (default: told by its name and content)",
    })(),
    rename: Flags.string({
      description: "store an entry of the input under another name",
      helpValue: "<name>=<name>",
      multiple: true,
    }),
    upper: Flags.boolean({ description: "store all other names in upper case: db-password as DB_PASSWORD" }),
    flatten: Flags.string({
      description: "join the names of nested JSON or YAML with this: db__host",
      helpValue: "<separator>",
    }),
    strict: Flags.boolean({ description: "refuse doubtful values instead of naming them" }),
    replace: Flags.boolean({ description: "replace the whole vault: remove everything that the input lacks" }),
    yes: Flags.boolean({ char: "y", description: "with --replace: remove without asking" }),
    "dry-run": Flags.boolean({ description: "show what would change and write nothing" }),
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Import>): Promise<void> {
    const read = await readImport(flags, this.sources);
    using session = await openSession({ flags, args }, this.sources, DAILY_WRITE);
    const { config } = session;
    const propose = flags.replace ? proposePush : proposeSetOrFirstPush;
    using proposal = await propose(session.ports, {
      ...session.request,
      identity: session.identity,
      items: read.items,
    });
    const { plan } = proposal;
    settleDoubts(read, plan.changes, flags, this.output);
    const asking = beforeRemoving(config, "without --replace they stay");
    const committed = await commitChanges(proposal, asking, flags, this.sources);
    const nothing = `Nothing to import: ${config.env} already holds exactly this (gen=${plan.gen})`;
    renderOutcome({ config, plan, committed }, { nothing, done: `Imported into ${config.env}` }, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
