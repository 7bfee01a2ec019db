import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { CONSENT_FLAGS, Flags, JSON_FLAG, requiredArg, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { requireAnswerable } from "../../cli/terminal/consent.ts";
import { compactDay } from "../../cli/usage/write.ts";
import { planCompact } from "../../vault/usage/write.ts";

export class UsageCompact extends BaseCommand {
  static override summary = "Put the batches of a day into one object";
  static override description =
    `Verifies the batches of a day, writes what they say as one object that operators sign, and removes them. The totals
and the report of missing batches stay the same. The day must have ended at least three days ago.`;
  static override examples = ["<%= config.bin %> usage compact 2026-11-20 --env=prod"];
  static override args = { day: requiredArg("UTC day, as in 2026-11-20") };
  static override flags = {
    ...SESSION_FLAGS,
    "dry-run": Flags.boolean({ description: "say how many batches there are and write nothing" }),
    ...CONSENT_FLAGS,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof UsageCompact>): Promise<void> {
    requireAnswerable(flags, this.prompter);
    using session = await openSession({ flags, args: {} }, this.sources);
    const plan = await planCompact(session.ports, session.request, args.day);
    await compactDay(plan, session.config, flags, this.sources);
    await session.remember(plan.read.manifest);
  }
}
