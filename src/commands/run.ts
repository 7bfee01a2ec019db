import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { selectSecrets } from "../cli/items/selection.ts";
import { requiredCommandLine, runChild } from "../cli/run/child.ts";
import { childEnvironment } from "../cli/run/environment.ts";
import { runOutput } from "../cli/run/output.ts";
import { RUN_EXAMPLES, RUN_FLAGS, RUN_HELP } from "../cli/run/run-flags.ts";
import { openAnywhere } from "../cli/session/open-anywhere.ts";

export class Run extends BaseCommand {
  static override summary = "Run a program with the vault's secrets in its environment";
  static override description = RUN_HELP;
  static override examples = RUN_EXAMPLES;
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    ...RUN_FLAGS,
  };
  static override takesCommandLine = true;

  protected override async execute({ flags, args, commandLine }: Invocation<typeof Run>): Promise<void> {
    const program = requiredCommandLine(commandLine);
    const { bundle } = await openAnywhere({ flags, args }, this.sources);
    const secrets = selectSecrets(bundle.items, flags);
    const env = childEnvironment(this.variables, secrets, flags.prefix);
    const output = await runOutput(flags, bundle.items, this.output);
    this.exitWith(await runChild(program, env, output));
  }
}
