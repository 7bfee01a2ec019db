import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { CONSENT_FLAGS, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { KEYS_ARGS, requireSome, splitWords } from "../cli/items/item-words.ts";
import { beforeRemoving, commitChanges, renderOutcome } from "../cli/items/proposed-changes.ts";
import { noSuchNameIn } from "../cli/items/selection.ts";
import { DAILY_WRITE, openSession } from "../cli/session/session.ts";
import { proposeUnset } from "../vault/items/set.ts";

export class Unset extends BaseCommand {
  static override summary = "Remove secrets and files from the vault";
  static override description =
    `Removes all of them, or none if the vault lacks one of the names. On a terminal, vsync asks first; without one, give --yes.
Older generations keep the removed values until \`vsync gc\`.`;
  static override usage = "unset ENV KEY… [flags]";
  static override examples = [
    "<%= config.bin %> unset prod OLD_TOKEN",
    "<%= config.bin %> unset prod SMTP_USER SMTP_PASSWORD certs/ca.pem --note='mail moved'",
  ];
  static override args = KEYS_ARGS;
  static override flags = {
    ...SESSION_FLAGS,
    ...CONSENT_FLAGS,
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Unset>): Promise<void> {
    const { input, names } = await splitWords({ flags, args }, { usage: Unset.usage });
    const keys = requireSome(names, Unset.usage);
    using session = await openSession(input, this.sources, DAILY_WRITE);
    const { config } = session;
    using proposal = await proposeUnset(session.ports, session.request, keys, noSuchNameIn(config));
    const asking = beforeRemoving(config);
    const committed = await commitChanges(proposal, asking, flags, this.sources);
    const words = { nothing: `Nothing to unset in ${config.env}`, done: `Updated ${config.env}` };
    renderOutcome({ config, plan: proposal.plan, committed }, words, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
