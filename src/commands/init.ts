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
terminal, or with --local, it keeps the vault in a directory on this machine. It first checks that a bucket honours
conditional writes, and refuses one that does not. Run it again to change the vault's location; the passphrase stays.`;
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
    reset: Flags.boolean({ description: "forget what this machine knows of the vault" }),
    join: Flags.boolean({ description: "only join a vault that exists", exclusive: ["new"] }),
    new: Flags.boolean({ description: "make a vault, and never join one" }),
    retarget: Flags.boolean({ description: "follow the project file to the place it names now" }),
    protect: Flags.boolean({
      description: "ask for the env's name before anything is lost",
      exclusive: ["unprotect"],
    }),
    unprotect: Flags.boolean({ description: "stop asking, unless the project file protects it" }),
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
