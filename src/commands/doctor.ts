import { examine } from "../cli/doctor/examine.ts";
import { renderExamination } from "../cli/doctor/render.ts";
import { BaseCommand, type Invocation } from "../cli/program/base-command.ts";
import { ENV_ARG, JSON_FLAG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/program/flags.ts";

export class Doctor extends BaseCommand {
  static override summary = "Look at everything between this machine and its vault";
  static override description =
    `One line a check: ✓ good, ! worth a look, ✗ bad, each with what to do next. Looks at the config, the store, the clock, the
credentials, the preconditions of writes, the manifest and who can open it; with a passphrase that is given, whether it
opens the vault, and the newest audit row; with a token in VSYNC_CONFIG, whether its key reads, and cannot write. It never
asks, and leaves everything as it was.

Exit codes: 0 nothing is ✗, else the code of the first that is.`;
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
