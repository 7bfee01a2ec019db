import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, SESSION_FLAGS, TAIL_FLAG } from "../cli/command/flags.ts";
import { renderAudit } from "../cli/generations/render-log.ts";
import { openSession } from "../cli/session/session.ts";
import { readAudit } from "../vault/audit/chain.ts";

export class Audit extends BaseCommand {
  static override summary = "Show who changed a vault, when and how";
  static override description =
    `One row per generation, oldest first: time, actor, action, generation, note. vsync verifies every row that it shows, from
the newest one back, which takes the passphrase. Reading a vault writes no row: look in the bucket's access log for who
has read it (S3 server access logging, CloudTrail data events).`;
  static override examples = [
    "<%= config.bin %> audit prod --tail=20",
    "<%= config.bin %> audit prod --csv >audit-prod.csv",
    "<%= config.bin %> audit prod --json | jq '.rows[] | select(.action == \"rotate\")'",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    ...TAIL_FLAG,
    csv: Flags.boolean({ description: "print the rows as CSV", exclusive: ["json"] }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Audit>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const audit = await readAudit(session.ports, { ...session.request, tail: flags.tail });
    renderAudit(audit, session.config, flags, this.output);
    await session.remember(audit.manifest);
  }
}
