import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { renderVerified } from "../cli/generations/render-log.ts";
import { openSession } from "../cli/session/session.ts";
import { verifyTokensToo } from "../vault/tokens/planted.ts";

export class AuditVerify extends BaseCommand {
  static override summary = "Verify the whole audit log";
  static override description =
    `Checks signatures, links and gaps, and that the manifest continues the log. A broken log ends the command with 6 and
the row at fault: altered, removed, inserted, or newer than a manifest that was rolled back. A live token that no row
created was planted, which also ends the command with 6. A row that a command could not append is outstanding, which
breaks nothing: audit reconcile appends it.`;
  static override examples = [
    "<%= config.bin %> audit verify prod",
    "<%= config.bin %> audit verify --env=prod --passphrase-file=/run/secrets/vsync --json",
  ];
  static override args = ENV_ARG;
  static override flags = { ...SESSION_FLAGS, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof AuditVerify>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const audit = await verifyTokensToo(session.ports, session.request);
    renderVerified(audit, session.config, flags, this.output);
    await session.remember(audit.manifest);
  }
}
