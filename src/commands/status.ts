import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { givenEnv } from "../cli/config/target.ts";
import { tokenAlone } from "../cli/session/token-alone.ts";
import { envStatus, repoStatus } from "../cli/status/local-status.ts";
import { renderStatus } from "../cli/status/render-status.ts";
import { renderTokenStatus, tokenStatus } from "../cli/status/token-status.ts";

export class Status extends BaseCommand {
  static override summary = "Show what this machine knows about its vaults";
  static override description =
    `Reads only this machine's config, so it works offline. --remote also asks the store; a passphrase, if you give one, proves
the answer. Without an env, shows all of them, or, without any config, the token in VSYNC_CONFIG.`;
  static override examples = [
    "<%= config.bin %> status",
    "<%= config.bin %> status prod --json",
    "<%= config.bin %> status prod --remote",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    remote: Flags.boolean({
      description: "ask the store for the generation, its author and date, and who can open it",
    }),
    ...PASSPHRASE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Status>): Promise<void> {
    const alone = await tokenAlone({ flags, args }, this.sources);
    if (alone !== null) {
      const held = await tokenStatus(alone, { flags, args }, this.sources);
      return flags.json ? this.output.json(held) : renderTokenStatus(held, this.output);
    }
    const ofOne = givenEnv({ flags, args }) !== undefined;
    const status = await (ofOne ? envStatus : repoStatus)({ flags, args }, this.sources);
    if (flags.json) this.output.json(status);
    else renderStatus(status, flags, this.output);
  }
}
