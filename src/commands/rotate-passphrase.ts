import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { finishVaultRotation } from "../cli/rotation/finish.ts";
import { rotateVault } from "../cli/rotation/rotation.ts";
import { ROTATION_FLAGS } from "../cli/rotation/rotation-flags.ts";
import { ROTATION_EXAMPLES, ROTATION_HELP } from "../cli/rotation/rotation-help.ts";
import { ROTATE_EXIT_CODES } from "../exit-codes.ts";

export class RotatePassphrase extends BaseCommand {
  static override summary = "Re-encrypt a vault under a new passphrase";
  static override description = ROTATION_HELP;
  static override examples = ROTATION_EXAMPLES;
  static override args = ENV_ARG;
  static override flags = { ...VAULT_FLAGS, ...ROTATION_FLAGS };
  static override exitCodes = ROTATE_EXIT_CODES;

  protected override async execute({ flags, args }: Invocation<typeof RotatePassphrase>): Promise<void> {
    await (flags.finish ? finishVaultRotation : rotateVault)({ flags, args }, this.sources);
  }
}
