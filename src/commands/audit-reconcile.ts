import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { renderReconciled } from "../cli/generations/render-log.ts";
import { openSession } from "../cli/session/session.ts";
import { proposeReconcile } from "../vault/commit/reconcile.ts";

export class AuditReconcile extends BaseCommand {
  static override summary = "Append the audit row that an earlier command could not";
  static override description =
    `The row follows from the manifest, so it comes out the same on every machine, and running this twice does no harm. It
takes a passphrase that may write: after a rotation, the new one.`;
  static override examples = ["<%= config.bin %> audit reconcile --env=prod"];
  static override args = ENV_ARG;
  static override flags = { ...SESSION_FLAGS, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof AuditReconcile>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources);
    using proposal = await proposeReconcile(session.ports, session.request);
    const committed = await proposal.commit();
    renderReconciled(proposal.plan.gen, committed !== null, session.config.env, flags, this.output);
  }
}
