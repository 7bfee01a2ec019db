import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { META_FLAG } from "../../cli/inputs/meta-flag.ts";
import { openSession } from "../../cli/session/session.ts";
import { renderPruned } from "../../cli/tokens/end.ts";
import { proposeTokenPrune } from "../../vault/tokens/end.ts";

export class TokensPrune extends BaseCommand {
  static override summary = "Drop the keys of tokens that have expired";
  static override description =
    `A token that expires stops opening the vault in vsync at once, and loses its key with the next commit. If the
vault rarely changes, prune makes that commit.`;
  static override examples = ["<%= config.bin %> tokens prune prod"];
  static override args = ENV_ARG;
  static override flags = { ...SESSION_FLAGS, ...NOTE_FLAG, ...META_FLAG, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof TokensPrune>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources);
    using proposal = await proposeTokenPrune(session.ports, session.request);
    const committed = await proposal.commit();
    renderPruned(proposal.plan, committed, session.config, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
