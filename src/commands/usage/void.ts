import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { Flags, JSON_FLAG, requiredArg, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { renderVoided } from "../../cli/usage/write.ts";
import { voidEvent } from "../../vault/usage/write.ts";

export class UsageVoid extends BaseCommand {
  static override summary = "Leave an event out of the totals";
  static override description =
    `For usage that was reported by mistake. The event stays where it is, but \`vsync usage\` leaves it out, on every day,
and of every token unless --token names one. The totals of a closed month stay as they are.`;
  static override examples = ["<%= config.bin %> usage void job-4711 --env=prod --note='ran twice'"];
  static override args = { id: requiredArg("id under which it was recorded") };
  static override flags = {
    ...SESSION_FLAGS,
    token: Flags.string({ description: "only the event of this token", helpValue: "<id>" }),
    note: Flags.string({ description: "why, kept with it", helpValue: "<text>" }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof UsageVoid>): Promise<void> {
    using session = await openSession({ flags, args: {} }, this.sources);
    const voided = await voidEvent(session.ports, session.request, { id: args.id, token: flags.token });
    renderVoided(args.id, voided, session.config, flags, this.output);
    await session.remember(voided.before.manifest);
  }
}
