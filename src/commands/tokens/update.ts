import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { META_FLAG } from "../../cli/inputs/meta-flag.ts";
import { CLAIM_FLAGS } from "../../cli/tokens/rights/claim-flags.ts";
import { TOKEN_ARGS, tokenWord } from "../../cli/tokens/token-words.ts";
import { updateToken } from "../../cli/tokens/update.ts";

export class TokensUpdate extends BaseCommand {
  static override summary = "Change what a token may read and do, or when it ends";
  static override description =
    `The credential stays the same, and so does everything that no flag names. --only, --except, --all-secrets and
--no-secrets change what the token reads, --projects, --workspaces and --all-projects its tunnels, and --permissions its
permissions; --grants replaces all three. vsync shows what the token gains and loses, and asks if it gains anything. You
can give an expired token a new end within 30 days.`;
  static override usage = "tokens update ENV TOKEN [flags]";
  static override examples = [
    "<%= config.bin %> tokens update prod api --only='DATABASE_URL,REDIS_*,SMTP_*'",
    "<%= config.bin %> tokens update prod api --except=STRIPE_KEY --dry-run",
    "<%= config.bin %> tokens update prod ci --expires=90d --yes",
  ];
  static override args = TOKEN_ARGS;
  static override flags = {
    ...SESSION_FLAGS,
    ...CLAIM_FLAGS,
    "dry-run": Flags.boolean({ description: "show what it would gain and lose, and write nothing" }),
    yes: Flags.boolean({ char: "y", description: "give it more without asking" }),
    ...NOTE_FLAG,
    ...META_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof TokensUpdate>): Promise<void> {
    const { input, word } = await tokenWord({ flags, args }, TokensUpdate.usage);
    await updateToken({ ...input, flags }, word, this.sources);
  }
}
