import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { CONSENT_FLAGS, ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { beforeRestoring, renderRestored } from "../cli/generations/older-generation.ts";
import { commitChanges } from "../cli/items/proposed-changes.ts";
import { OlderPassphrases, THEN_PASSPHRASE_FLAG } from "../cli/session/older-passphrases.ts";
import { DAILY_WRITE, openSession } from "../cli/session/session.ts";
import { proposeRestore } from "../vault/generations/restore.ts";

export class Restore extends BaseCommand {
  static override summary = "Make a new generation from an old one";
  static override description =
    `The new generation has the content of the old one, under today's passphrase; the generations in between stay. A
generation from before a rotation needs the passphrase of that time; on a terminal, vsync asks for it.`;
  static override examples = [
    "<%= config.bin %> restore prod --gen=3",
    "<%= config.bin %> restore prod --gen=3 --then-passphrase-file=old-passphrase --yes",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    gen: Flags.integer({ description: "generation to restore", helpValue: "<gen>", min: 1, required: true }),
    ...THEN_PASSPHRASE_FLAG,
    ...CONSENT_FLAGS,
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Restore>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, DAILY_WRITE);
    using older = new OlderPassphrases(flags["then-passphrase-file"], this.sources);
    const request = { ...session.request, gen: flags.gen, olderHolder: older.holderOf };
    using proposal = await proposeRestore(session.ports, request);
    const asking = beforeRestoring(session.config, flags.gen);
    const committed = await commitChanges(proposal, asking, flags, this.sources);
    renderRestored(proposal.plan, committed, session.config, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
