import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { Flags, NOTE_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { META_FLAG } from "../../cli/inputs/meta-flag.ts";
import { durationFlag } from "../../cli/inputs/time-flags.ts";
import { DELIVERY_FLAGS } from "../../cli/tokens/minting/delivery.ts";
import { rotateTokens } from "../../cli/tokens/rotate.ts";
import { allOrOne, TOKEN_ARGS } from "../../cli/tokens/token-words.ts";

export class TokensRotate extends BaseCommand {
  static override summary = "Give a token a new credential, with the same claims";
  static override description =
    `Prints the new string once. The old credential ends with the same commit, or with --overlap after that time, so its
holder can restart first. --all rotates all live tokens in one commit, and writes each to its own file in the folder of
--out, named after the token's name or id.`;
  static override usage = "tokens rotate ENV TOKEN [flags]";
  static override examples = [
    "<%= config.bin %> tokens rotate prod api --overlap=1h | wrangler secret put VSYNC_CONFIG",
    "<%= config.bin %> tokens rotate prod --all --overlap=24h --out=./tokens",
  ];
  static override args = TOKEN_ARGS;
  static override flags = {
    ...SESSION_FLAGS,
    overlap: durationFlag(
      "overlap",
      { from: "1s", to: "90d" },
      { description: "how long the old credential still reads" },
    ),
    all: Flags.boolean({ description: "rotate every live token, into files in the folder of --out" }),
    ...DELIVERY_FLAGS,
    ...NOTE_FLAG,
    ...META_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof TokensRotate>): Promise<void> {
    const { input, words } = await allOrOne({ flags, args }, TokensRotate.usage);
    await rotateTokens({ ...input, flags }, words, this.sources);
  }
}
