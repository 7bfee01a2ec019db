import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { IMPORT_FORMATS, readImport } from "../cli/import/read-import.ts";
import { beforeRemoving, commitChanges, renderOutcome } from "../cli/items/proposed-changes.ts";
import { openSession } from "../cli/session/session.ts";
import { proposePush } from "../vault/push.ts";
import { proposeSetOrFirstPush } from "../vault/set.ts";

export class Import extends BaseCommand {
  static override summary = "Add secrets from other tools' files to the vault";
  static override description =
    `Adds and changes secrets as one new generation and keeps the rest of the vault, unless you give --replace. Shows names,
never values.

json and yaml hold one flat object; numbers and booleans are taken as written. k8s is one Secret, several, or a List.
docker is an --env-file, or a folder of secret files like /run/secrets. From k8s and such a folder, an entry that cannot be
a variable, because of its name (tls.crt) or because it is not text, becomes a file. Without --format, the file's name and
content decide, if they are unambiguous.`;
  static override examples = [
    "<%= config.bin %> import prod --from=secrets.json --dry-run",
    "<%= config.bin %> import prod --from=/run/secrets",
    "kubectl get secret api -o yaml | <%= config.bin %> import prod --from=- --format=k8s",
    "sops -d secrets.yaml | <%= config.bin %> import prod --from=- --format=yaml --replace",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    from: Flags.string({
      description: "file, folder of secret files, or - for stdin",
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
    replace: Flags.boolean({ description: "replace the whole vault: remove everything that the input lacks" }),
    yes: Flags.boolean({ char: "y", description: "with --replace: remove without asking" }),
    "dry-run": Flags.boolean({ description: "show what would change and write nothing" }),
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Import>): Promise<void> {
    const items = await readImport(flags, this.sources);
    using session = await openSession({ flags, args }, this.sources);
    const { env } = session.config;
    const propose = flags.replace ? proposePush : proposeSetOrFirstPush;
    using proposal = await propose(session.ports, { ...session.request, identity: session.identity, items });
    const { plan } = proposal;
    const asking = beforeRemoving(session.config, "to remove them, give --yes; without --replace they stay");
    const committed = await commitChanges(proposal, asking, flags, this.sources);
    const nothing = `Nothing to import: ${env} already holds exactly this (gen=${plan.gen})`;
    renderOutcome({ plan, committed }, { nothing, done: `Imported into ${env}` }, env, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
