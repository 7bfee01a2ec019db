import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { CONSENT_FLAGS, Flags, JSON_FLAG, requiredArg, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { requireAnswerable } from "../../cli/terminal/consent.ts";
import { closeMonth } from "../../cli/usage/write.ts";
import { planClose } from "../../vault/usage/write.ts";

export class UsageClose extends BaseCommand {
  static override summary = "Freeze the totals of a month";
  static override description =
    `Writes the month's totals as one object that operators sign. From then on, \`vsync usage\` takes them from there.
Events that come later or are removed do not change them; later ones are listed as late. You can close a month once, after
it is over.`;
  static override examples = ["<%= config.bin %> usage close 2026-11 --env=prod"];
  static override args = { month: requiredArg("month, as in 2026-11") };
  static override flags = {
    ...SESSION_FLAGS,
    "dry-run": Flags.boolean({ description: "show the totals and write nothing" }),
    ...CONSENT_FLAGS,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof UsageClose>): Promise<void> {
    requireAnswerable(flags, this.prompter);
    using session = await openSession({ flags, args: {} }, this.sources);
    const plan = await planClose(session.ports, session.request, args.month);
    await closeMonth(plan, session.config, flags, this.sources);
    await session.remember(plan.read.manifest);
  }
}
