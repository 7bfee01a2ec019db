import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { durationFlag } from "../cli/inputs/time-flags.ts";
import { SELECTION_FLAGS } from "../cli/items/selection.ts";
import { ALL_NAMES } from "../cli/run/layers.ts";
import { requiredCommandLine } from "../cli/run/program.ts";
import { runProgram } from "../cli/run/run.ts";
import { RUN_EXIT_CODES } from "../exit-codes.ts";

export class Run extends BaseCommand {
  static override summary = "Run a program with the vault's secrets in its environment";
  static override description =
    `On Linux vsync becomes the program, as \`env\` does: same process, nothing of vsync stays. Elsewhere, and with
--redact, --mount or --watch, it stays beside the program, forwards signals, and ends the way the program ends. See
docs/running.md. If the vault does not open, the program does not start.

Variables come from, lowest first: your environment, the vaults from left to right, the --override files from left to
right. vsync does not pass on what opens a vault (VSYNC_CONFIG, VSYNC_PASSPHRASE, VSYNC_TOKEN, …). Without an env, runs
with the vault of VSYNC_CONFIG.

--prefix goes in front of every name of the vault; it is an error if such a variable is already set. --only and --except
take the names in the vault, without the prefix.

With --redact the program's stdout and stderr are pipes, not a terminal. They mask every secret of the vault: plain, line
by line, in base64 (also inside a longer text, as in user:token), in hex, and escaped as in JSON, URLs, HTML or a shell.
They do not mask values shorter than 4 bytes and common words such as true and prod; vsync names these. --show leaves a
secret as it is.

--mount writes a file of the vault, mode 0600, to a place in memory, or to the path that you give, and removes it when the
program ends. --watch looks every 5 seconds and restarts the program only if its values have changed; it does not work
with --redact or --mount.`;
  static override examples = [
    "<%= config.bin %> run prod -- node server.js",
    "<%= config.bin %> run prod --only DATABASE_URL,PGPASSWORD -- psql",
    "<%= config.bin %> run prod --prefix=APP_ --redact --show=LOG_LEVEL -- ./migrate.sh",
    "<%= config.bin %> run --env=base --env=prod --override=my.env -- node server.js",
    "<%= config.bin %> run prod --mount=certs/ca.pem:CA_FILE -- ./server",
    "VSYNC_CONFIG=… VSYNC_PASSPHRASE=… <%= config.bin %> run -- python3 app.py",
  ];
  static override exitCodes = RUN_EXIT_CODES;
  static override bareValues = { "preserve-env": ALL_NAMES };
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    env: Flags.string({
      description: "env of a vault; of several, the later wins",
      helpValue: "<env>",
      multiple: true,
    }),
    ...PASSPHRASE_FLAG,
    ...SELECTION_FLAGS,
    override: Flags.string({
      description: "dotenv file that wins over the vaults for this run (- for stdin)",
      helpValue: "<file>",
      multiple: true,
    }),
    "preserve-env": Flags.string({
      description: "let your environment, or these names in it, win over the vaults",
      helpValue: "[<name>,<name>]",
    }),
    prefix: Flags.string({ description: "prefix for every name: PORT becomes APP_PORT", helpValue: "<APP_>" }),
    redact: Flags.boolean({ description: "print [KEY] in place of the value of KEY in the program's output" }),
    show: Flags.string({
      description: "with --redact: names whose values stay (comma-separated)",
      helpValue: "<key>,<key>",
      multiple: true,
      delimiter: ",",
      dependsOn: ["redact"],
    }),
    mount: Flags.string({
      description: "file of the vault for the program, with its path in <VAR>",
      helpValue: "<name>:<VAR>[=<path>]",
      multiple: true,
    }),
    cache: Flags.string({
      description: "file with a sealed copy of the vault, for when the store cannot be reached",
      helpValue: "<file>",
      dependsOn: ["max-age"],
    }),
    "max-age": durationFlag(
      "max-age",
      { from: "1s", to: "365d" },
      { description: "how old the copy may be", dependsOn: ["cache"] },
    ),
    watch: Flags.boolean({
      description: "restart the program when its values change in the vault",
      // Masking pipes and mounted files belong to the program's first start.
      exclusive: ["redact", "mount"],
    }),
  };
  static override takesCommandLine = true;

  protected override async execute({ flags, args, commandLine }: Invocation<typeof Run>): Promise<void> {
    this.exitWith(await runProgram({ flags, args, commandLine: requiredCommandLine(commandLine) }, this.sources));
  }
}
