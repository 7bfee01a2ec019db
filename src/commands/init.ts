import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import {
  APP_KEY_FLAGS,
  CREDENTIAL_FLAGS,
  ENV_ARG,
  Flags,
  JSON_FLAG,
  LOCATION_FLAGS,
  SESSION_FLAGS,
  TERMS_FLAGS,
} from "../cli/command/flags.ts";
import { initEnvs } from "../cli/init/init-env.ts";
import { initTargets } from "../cli/init/init-target.ts";

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
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    local: Flags.boolean({
      description: "keep the vault in a directory on this machine",
      exclusive: Object.keys({ ...LOCATION_FLAGS, ...TERMS_FLAGS, ...CREDENTIAL_FLAGS }),
    }),
    reset: Flags.boolean({ description: "forget the vault and passphrase in this machine's config, and start over" }),
    join: Flags.boolean({ description: "only join a vault that exists", exclusive: ["new"] }),
    new: Flags.boolean({ description: "make a vault, and never join one" }),
    retarget: Flags.boolean({
      description: "follow a project file that names another place, and give credentials again",
    }),
    protect: Flags.boolean({
      description: "ask for the env's name before something is lost there",
      exclusive: ["unprotect"],
    }),
    unprotect: Flags.boolean({ description: "stop asking for it, unless the project file protects the env" }),
    ...LOCATION_FLAGS,
    ...TERMS_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...APP_KEY_FLAGS,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Init>): Promise<void> {
    await initEnvs(await initTargets({ flags, args }, this.sources), flags, this.sources);
  }
}
