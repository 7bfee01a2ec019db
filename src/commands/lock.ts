import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { lockVaults } from "../cli/session/unlock.ts";

export class Lock extends BaseCommand {
  static override summary = "Forget what vsync unlock keeps";
  static override description =
    "Forgets the key of one env or, without an env, the keys of all vaults in this login session.";
  static override examples = ["<%= config.bin %> lock", "<%= config.bin %> lock prod"];
  static override args = ENV_ARG;
  static override flags = { ...VAULT_FLAGS, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof Lock>): Promise<void> {
    await lockVaults({ flags, args }, this.sources);
  }
}
