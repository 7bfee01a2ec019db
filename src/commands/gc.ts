import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { DEFAULT_OLDER_THAN_MS, GC_EXAMPLES, GC_FLAGS, GC_HELP } from "../cli/generations/gc-flags.ts";
import { confirmGc, renderGc } from "../cli/generations/render-gc.ts";
import { openSession, remember } from "../cli/session/session.ts";
import { refuseUnasked } from "../cli/terminal/prompter.ts";
import { collectGarbage } from "../vault/gc.ts";

export class Gc extends BaseCommand {
  static override summary = "Remove the bundles of old generations";
  static override description = GC_HELP;
  static override examples = GC_EXAMPLES;
  static override args = ENV_ARG;
  static override flags = { ...VAULT_FLAGS, ...GC_FLAGS };

  protected override async execute({ flags, args }: Invocation<typeof Gc>): Promise<void> {
    refuseUnasked(flags, this.prompter);
    using session = await openSession({ flags, args }, this.sources);
    const { config, ports, request } = session;
    const confirm = confirmGc(this.prompter, flags);
    const { keep, "older-than": olderThanMs = DEFAULT_OLDER_THAN_MS } = flags;
    const collected = await collectGarbage(ports, { ...request, keep, olderThanMs, confirm });
    renderGc(collected, config, flags, this.output);
    if (collected.committed !== null) await remember(config, collected.committed.manifest, this.warnUser);
  }
}
