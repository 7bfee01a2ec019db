import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, SESSION_FLAGS } from "../cli/command/flags.ts";
import { checkDestination, deliverExport, warnOfLongVariables } from "../cli/export/deliver.ts";
import { EXPORT_FORMATS, encodeItems } from "../cli/export/formats.ts";
import { checkMetadata } from "../cli/export/k8s.ts";
import { SELECTION_FLAGS, selectItems } from "../cli/items/selection.ts";
import { openAnywhere } from "../cli/session/open-anywhere.ts";

export class Export extends BaseCommand {
  static override summary = "Write the vault's content in a format that other programs read";
  static override description =
    `dotenv and shell hold variables only; shell is for \`eval\` in any POSIX shell. docker is for \`docker run --env-file\` and
for Compose's env_file with \`format: raw\`: no quotes, no line breaks in values. json is one object, in which a file is
{"base64": …, "mode": …}; yaml is the same. k8s is a Secret with everything in \`data\` as base64, which hides nothing;
an annotation names the files, and \`import\` restores them as files.

If the format cannot carry a value unchanged, the command names it and writes nothing. Without an env, exports the vault
of VSYNC_CONFIG.`;
  static override examples = [
    'eval "$(<%= config.bin %> export prod --format=shell --only=PGUSER,PGPASSWORD)"',
    "<%= config.bin %> export prod --format=k8s --name=api --namespace=web | kubectl apply -f -",
    "<%= config.bin %> export prod --format=docker --except=certs/ca.pem --out=prod.env",
    "<%= config.bin %> export prod --format=json | jq -r .DATABASE_URL",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    format: Flags.option({ options: EXPORT_FORMATS, description: "format to write", required: true })(),
    out: Flags.string({ description: "file to write instead of stdout (mode 0600)", helpValue: "<file>" }),
    ...SELECTION_FLAGS,
    name: Flags.string({ description: "with --format=k8s: name of the Secret", helpValue: "<name>" }),
    namespace: Flags.string({ description: "with --format=k8s: its namespace", helpValue: "<name>" }),
  };

  protected override async execute({ flags, args }: Invocation<typeof Export>): Promise<void> {
    checkDestination(flags.out);
    checkMetadata(flags.format, flags);
    const vault = await openAnywhere({ flags, args }, this.sources);
    const items = selectItems(vault.bundle.items, flags, vault.config);
    const text = encodeItems(items, flags.format, flags);
    warnOfLongVariables(items, flags.format, this.output);
    await deliverExport({ text, count: items.length, out: flags.out }, vault, this.output);
  }
}
