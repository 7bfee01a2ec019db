import { BaseCommand, type Invocation } from "../cli/base-command.ts";
import { runChild } from "../cli/child.ts";
import { childEnvironment } from "../cli/child-environment.ts";
import { requiredCommandLine } from "../cli/command-line.ts";
import { selectSecrets } from "../cli/find-item.ts";
import { ENV_ARG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/flags.ts";
import { openAnywhere } from "../cli/open-anywhere.ts";
import { SELECTION_FLAGS } from "../cli/selection-flags.ts";

export class Run extends BaseCommand {
  static override summary = "Run a program with the vault's secrets in its environment";
  static override description =
    `The vault is that of the named env, or, where none is named, of VSYNC_CONFIG. The program gets stdin, signals and the
terminal as if it had been started without vsync, and its exit code comes back. It is not started when the vault
does not open. Secrets win over variables of the same name; VSYNC_CONFIG and VSYNC_PASSPHRASE are not handed on.`;
  static override examples = [
    "<%= config.bin %> run prod -- node server.js",
    "<%= config.bin %> run prod --only DATABASE_URL,PGPASSWORD -- psql",
    "VSYNC_CONFIG=… VSYNC_PASSPHRASE=… <%= config.bin %> run -- python3 app.py",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    ...SELECTION_FLAGS,
  };
  static override takesCommandLine = true;

  protected override async execute({ flags, args, commandLine }: Invocation<typeof Run>): Promise<void> {
    const program = requiredCommandLine(commandLine);
    const { bundle } = await openAnywhere({ flags, args }, this.sources);
    const secrets = selectSecrets(bundle.items, flags);
    this.exitWith(await runChild(program, childEnvironment(this.env, secrets)));
  }
}
