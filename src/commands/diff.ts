import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { arg, ENV_ARG, Flags, JSON_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { compare, renderDiff, requireTerminalFor } from "../cli/generations/diff.ts";
import { THEN_PASSPHRASE_FLAG } from "../cli/session/older-passphrases.ts";
import { OTHER_PASSPHRASE_FLAG } from "../cli/session/other-env.ts";

export class Diff extends BaseCommand {
  static override summary = "Show which names differ between two generations, or two envs";
  static override description =
    `Prints names, never values: + added, ~ changed, - removed. Without generations, compares the newest with the one
before. A generation from before a rotation needs the passphrase of that time; on a terminal, vsync asks for it. --values
also shows the values, but only on a terminal.`;
  static override usage = "diff [ENV] [OTHER | FROM [TO]] [flags]";
  static override examples = [
    "<%= config.bin %> diff prod",
    "<%= config.bin %> diff prod 3 5",
    "<%= config.bin %> diff staging prod",
    "<%= config.bin %> diff prod --from-gen=3 --to-gen=5 --then-passphrase-file=old-passphrase",
  ];
  static override args = {
    ...ENV_ARG,
    from: arg("another env, or the older generation"),
    to: arg("newer generation (default: the newest)"),
  };
  static override flags = {
    ...SESSION_FLAGS,
    "from-gen": Flags.integer({ description: "older generation, like FROM", helpValue: "<gen>", min: 1 }),
    "to-gen": Flags.integer({ description: "newer generation, like TO", helpValue: "<gen>", min: 1 }),
    ...THEN_PASSPHRASE_FLAG,
    ...OTHER_PASSPHRASE_FLAG,
    values: Flags.boolean({ description: "also show values, on a terminal" }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Diff>): Promise<void> {
    requireTerminalFor(flags, this.output);
    const words = [args.env, args.from, args.to].filter((word) => word !== undefined);
    renderDiff(await compare({ flags, words }, this.sources), flags, this.output);
  }
}
