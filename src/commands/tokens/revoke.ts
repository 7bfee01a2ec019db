import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { META_FLAG } from "../../cli/inputs/meta-flag.ts";
import { warnOfOldPlaces } from "../../cli/session/old-places.ts";
import { openSession } from "../../cli/session/session.ts";
import { renderRevoked, requireYes } from "../../cli/tokens/end.ts";
import { TOKENS_ARGS, tokenWords } from "../../cli/tokens/token-words.ts";
import { proposeTokenRevoke } from "../../vault/tokens/end.ts";

export class TokensRevoke extends BaseCommand {
  static override summary = "End tokens for good";
  static override description =
    `From the next generation on, their holders get no key. You cannot undo this. They can still read what they could read
before, until \`vsync gc\` removes those generations. The bucket key in a token still works: revoke it in IAM. Needs
--yes, even on a terminal.`;
  static override usage = "tokens revoke ENV TOKEN… [flags]";
  static override examples = [
    "<%= config.bin %> tokens revoke prod api --yes",
    "<%= config.bin %> tokens revoke prod api ci --yes --note='ann left'",
  ];
  static override args = TOKENS_ARGS;
  static override flags = {
    ...SESSION_FLAGS,
    yes: Flags.boolean({ char: "y", description: "revoke; without it nothing changes" }),
    ...NOTE_FLAG,
    ...META_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof TokensRevoke>): Promise<void> {
    const { input, words } = await tokenWords({ flags, args }, TokensRevoke.usage);
    requireYes(flags, words);
    using session = await openSession(input, this.sources);
    using proposal = await proposeTokenRevoke(session.ports, { ...session.request, tokens: words });
    const committed = await proposal.commit();
    renderRevoked(proposal.plan, committed, session.config, flags, this.output);
    if (committed !== null) await warnOfOldPlaces(session.config, this.output);
    await session.remember(committed?.manifest);
  }
}
