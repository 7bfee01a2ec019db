import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { renderExamination } from "../cli/doctor/check.ts";
import { examine } from "../cli/doctor/examine.ts";

export class Doctor extends BaseCommand {
  static override summary = "Check everything between this machine and its vault";
  static override description =
    `Prints one line per check: ✓ good, ? unproven, ! worth a look or ✗ bad, and what to do next. Checks the config, the
store, the clock, the credentials, the preconditions of writes, the manifest, and who can open it. With a passphrase,
doctor proves what the manifest says, and checks that the passphrase opens the vault, and the newest audit row. With a
token in VSYNC_CONFIG, it checks that the token's key can read but not write, and that a scoped token opens the vault. On
a host that has only such a token, these are the only checks. doctor asks nothing and changes nothing.

Ends with 0 if nothing is ✗, else with the exit code of the first ✗.`;
  static override examples = [
    "<%= config.bin %> doctor --env=prod",
    "<%= config.bin %> doctor prod --passphrase-file=/run/secrets/vsync --json",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    ci: Flags.boolean({ description: "fail if the vault lacks a name that the project file requires" }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Doctor>): Promise<void> {
    const examination = await examine({ flags, args }, this.sources);
    this.exitWith(await renderExamination(examination, this.output, { asJson: flags.json }));
  }
}
