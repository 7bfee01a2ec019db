import { selectSecrets } from "../cli/items/find-item.ts";
import { openAnywhere } from "../cli/open-anywhere.ts";
import { BaseCommand, type Invocation } from "../cli/program/base-command.ts";
import { ENV_ARG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/program/flags.ts";
import { runChild } from "../cli/run/child.ts";
import { childEnvironment } from "../cli/run/child-environment.ts";
import { requiredCommandLine } from "../cli/run/command-line.ts";
import { RUN_EXAMPLES, RUN_FLAGS, RUN_HELP } from "../cli/run/run-flags.ts";
import { runOutput } from "../cli/run/run-output.ts";

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
    const env = childEnvironment(this.env, secrets, flags.prefix);
    const output = await runOutput(flags, bundle.items, this.output);
    this.exitWith(await runChild(program, env, output));
  }
}
