import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { renderExamination } from "../cli/doctor/check.ts";
import { examine } from "../cli/doctor/examine.ts";

export class Doctor extends BaseCommand {
  static override summary = "Check everything between this machine and its vault";
  static override description =
    `One line per check: ✓ good, ! worth a look, ✗ bad, each with what to do next. It looks at the config, the store, the
clock, the credentials, the preconditions of writes, the manifest and who can open it. Given a passphrase, also at whether
it opens the vault and at the newest audit row; given a token in VSYNC_CONFIG, at whether its key can read and cannot
write. It never asks a question, and leaves everything as it was.

It ends with 0 if nothing is ✗, else with the code of the first ✗.`;
  static override examples = [
    "<%= config.bin %> doctor --env=prod",
    "<%= config.bin %> doctor prod --passphrase-file=/run/secrets/vsync --json",
  ];
  static override args = ENV_ARG;
  static override flags = { ...VAULT_FLAGS, ...PASSPHRASE_FLAG, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof Doctor>): Promise<void> {
    const examination = await examine({ flags, args }, this.sources);
    this.exitWith(await renderExamination(examination, this.output, { asJson: flags.json }));
  }
}
