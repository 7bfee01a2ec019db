import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { CREDENTIAL_FLAGS, Flags, LOCATION_FLAGS, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { findConfig } from "../cli/config/local-config.ts";
import { chooseLocation, initTarget } from "../cli/init/init-location.ts";
import { initVault } from "../cli/init/init-vault.ts";
import { prepareStore } from "../cli/init/prepare-store.ts";
import { renderInit } from "../cli/init/render-init.ts";

export class Init extends BaseCommand {
  static override summary = "Set up a vault, or join an existing one";
  static override description =
    `Writes this machine's config for the env and sets the passphrase. Without flags, init asks on a terminal; without a
terminal, or with --local, it keeps the vault in a directory on this machine. It first proves an S3 bucket, and refuses a
store that ignores the preconditions of writes. Run it again to change the vault's location; the passphrase stays.`;
  static override examples = [
    "<%= config.bin %> init --env=dev --local",
    "<%= config.bin %> init --env=prod --bucket=acme-secrets --region=eu-central-1",
    "<%= config.bin %> init --env=prod --endpoint=file:///media/stick",
  ];
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    local: Flags.boolean({
      description: "keep the vault in a directory on this machine",
      exclusive: Object.keys({ ...LOCATION_FLAGS, ...CREDENTIAL_FLAGS }),
    }),
    reset: Flags.boolean({ description: "forget the vault and passphrase in this machine's config, and start over" }),
    ...LOCATION_FLAGS,
    ...CREDENTIAL_FLAGS,
  };

  protected override async execute({ flags }: Invocation<typeof Init>): Promise<void> {
    const target = await initTarget({ flags }, this.sources);
    const current = await findConfig(target, this.warnUser);
    const location = await chooseLocation(flags, target, current, this.sources);
    const prepared = await prepareStore(location, this.output);
    const { reset, "passphrase-file": passphraseFile } = flags;
    const result = await initVault({ target, location, prepared, current, reset, passphraseFile }, this.sources);
    renderInit(result, target, prepared.store, this.output);
  }
}
