import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { SELECTION_FLAGS, selectSecrets } from "../cli/items/selection.ts";
import { requiredCommandLine, runChild } from "../cli/run/child.ts";
import { childEnvironment } from "../cli/run/environment.ts";
import { runOutput } from "../cli/run/output.ts";
import { openAnywhere } from "../cli/session/open-anywhere.ts";

export class Run extends BaseCommand {
  static override summary = "Run a program with the vault's secrets in its environment";
  static override description =
    `The program gets stdin, signals and the terminal as if you had started it without vsync, and vsync ends with its exit code.
If the vault does not open, the program does not start. Secrets override variables of the same name. VSYNC_CONFIG and
VSYNC_PASSPHRASE are not passed on. Without an env, runs with the vault of VSYNC_CONFIG.

--prefix goes before every name of the vault; a variable that is already set under such a name is an error. --only and
--except take the names in the vault, without the prefix.

With --redact the program's stdout and stderr are pipes, not a terminal. They mask every secret of the vault: plain, line by
line, in base64 (also as a part, as in user:token), in hex, and escaped as in JSON, URLs, HTML or a shell. Values shorter than
4 bytes pass, and common words such as true and prod; vsync names them. --show leaves a secret as it is.`;
  static override examples = [
    "<%= config.bin %> run prod -- node server.js",
    "<%= config.bin %> run prod --only DATABASE_URL,PGPASSWORD -- psql",
    "<%= config.bin %> run prod --prefix=APP_ --redact --show=LOG_LEVEL -- ./migrate.sh",
    "VSYNC_CONFIG=… VSYNC_PASSPHRASE=… <%= config.bin %> run -- python3 app.py",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    ...SELECTION_FLAGS,
    prefix: Flags.string({ description: "prefix for every name: PORT becomes APP_PORT", helpValue: "<APP_>" }),
    redact: Flags.boolean({ description: "print [KEY] in place of the value of KEY in the program's output" }),
    show: Flags.string({
      description: "with --redact: names whose values stay (comma-separated)",
      helpValue: "<key>,<key>",
      multiple: true,
      delimiter: ",",
      dependsOn: ["redact"],
    }),
  };
  static override takesCommandLine = true;

  protected override async execute({ flags, args, commandLine }: Invocation<typeof Run>): Promise<void> {
    const program = requiredCommandLine(commandLine);
    const { bundle } = await openAnywhere({ flags, args }, this.sources, { use: "values", isComplete: true });
    const secrets = selectSecrets(bundle.items, flags);
    const env = childEnvironment(this.variables, secrets, flags.prefix);
    const output = await runOutput(flags, bundle.items, this.output);
    this.exitWith(await runChild(program, env, { sharesStdin: !this.stdin.isTaken, output }));
  }
}
