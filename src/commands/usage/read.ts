import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { dayFlag } from "../../cli/inputs/time-flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { DIMENSIONS, isDoubtful, renderUsage } from "../../cli/usage/render.ts";
import { DIFFERENT_EXIT_CODE, USAGE_EXIT_CODES } from "../../exit-codes.ts";
import { readUsage } from "../../vault/usage/read.ts";

export class Usage extends BaseCommand {
  static override summary = "Add up what apps used";
  static override description =
    `Reads the batches of events that apps and gateways wrote with vsync/backend and vsync/gateway, verifies each, and
adds them up by meter. Each id counts once per token and day. vsync says what does not count and why, and which batches
are missing or were written anew.

Days are UTC. With --since, a batch that reached the store more than a week after its day is left out.`;
  static override examples = [
    "<%= config.bin %> usage prod",
    "<%= config.bin %> usage prod --since=2026-11-01 --until=2026-11-30 --by=subject",
    "<%= config.bin %> usage prod --by=day,backend --csv >usage.csv",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    since: dayFlag("since", "first day"),
    until: dayFlag("until", "last day"),
    by: Flags.option({
      options: DIMENSIONS,
      description: "what to add up by, besides the meter",
      multiple: true,
      delimiter: ",",
    })(),
    csv: Flags.boolean({ description: "print the totals as CSV, with a header", exclusive: ["json"] }),
    ...JSON_FLAG,
  };
  static override exitCodes = USAGE_EXIT_CODES;

  protected override async execute({ flags, args }: Invocation<typeof Usage>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const { since, until } = flags;
    const usage = await readUsage(session.ports, { ...session.request, since, until });
    renderUsage(usage, flags, this.output);
    await session.remember(usage.manifest);
    if (isDoubtful(usage)) this.exitWith(DIFFERENT_EXIT_CODE);
  }
}
