import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { renderDiff } from "../cli/generations/older-generation.ts";
import { OlderPassphrases, THEN_PASSPHRASE_FLAG } from "../cli/session/older-passphrases.ts";
import { openSession } from "../cli/session/session.ts";
import { diffGenerations } from "../vault/diff.ts";

export class Diff extends BaseCommand {
  static override summary = "Show which names differ between two generations";
  static override description =
    `Prints names, never values: + added, ~ changed, - removed. A generation from before a rotation needs the passphrase of
that time; on a terminal, vsync asks for it.`;
  static override examples = [
    "<%= config.bin %> diff prod --from-gen=3",
    "<%= config.bin %> diff prod --from-gen=3 --to-gen=5 --then-passphrase-file=old-passphrase",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    "from-gen": Flags.integer({ description: "older generation", helpValue: "<gen>", min: 1, required: true }),
    "to-gen": Flags.integer({
      description: "newer generation (default: the newest)",
      helpValue: "<gen>",
      min: 1,
    }),
    ...THEN_PASSPHRASE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Diff>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const { "from-gen": fromGen, "to-gen": toGen } = flags;
    using older = new OlderPassphrases(flags["then-passphrase-file"], this.sources);
    const diff = await diffGenerations(session.ports, {
      ...session.request,
      fromGen,
      toGen,
      olderHolder: older.holderOf,
    });
    renderDiff(diff, flags, this.output);
    await session.remember(diff.manifest);
  }
}
