import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, SESSION_FLAGS, TAIL_FLAG } from "../cli/command/flags.ts";
import { renderHistory } from "../cli/generations/render-log.ts";
import { openSession } from "../cli/session/session.ts";
import { readHistory } from "../vault/generations/history.ts";

export class History extends BaseCommand {
  static override summary = "Show the generations, and which can be restored";
  static override description =
    `Oldest first. BUNDLE tells whether the generation's encrypted bundle still exists: current, kept, or gone (removed by gc or
by somebody else). CHANGES counts the names that the newest generations
added, changed and removed, as far as this passphrase opens them.`;
  static override examples = ["<%= config.bin %> history prod", "<%= config.bin %> history prod --tail=5 --json"];
  static override args = ENV_ARG;
  static override flags = { ...SESSION_FLAGS, ...TAIL_FLAG, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof History>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const history = await readHistory(session.ports, { ...session.request, tail: flags.tail });
    renderHistory(history, flags, this.output);
    await session.remember(history.manifest);
  }
}
