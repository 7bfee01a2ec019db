import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { Flags, JSON_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { askedOf, explainRequest } from "../../cli/tokens/explain.ts";
import { TOKEN_ARGS, tokenWord } from "../../cli/tokens/token-words.ts";
import { DIFFERENT_EXIT_CODE, TOKENS_EXPLAIN_EXIT_CODES } from "../../exit-codes.ts";
import { readTokens } from "../../vault/tokens/read.ts";

export class TokensExplain extends BaseCommand {
  static override summary = "Say why a token may or may not read a secret or make a request";
  static override description =
    `Says which layer decides (the vault's settings, or the token's own permissions and grants), and which grant. Ask
about a secret or file of this vault, about an HTTP request, for which it looks at routes and tunnel grants, or about a
tunnel that the holder wants to create, with its properties as JSON. Yes and no both end with 0; with --exit-code, no ends
with 7.`;
  static override usage = "tokens explain ENV TOKEN [flags]";
  static override examples = [
    "<%= config.bin %> tokens explain prod api --secret=STRIPE_KEY",
    "<%= config.bin %> tokens explain prod edge --request='GET /api/users'",
    "<%= config.bin %> tokens explain prod api --secret=DATABASE_URL --exit-code",
    `<%= config.bin %> tokens explain prod edge --create='{"protocol":"http","publish":true}' --project=web`,
  ];
  static override args = TOKEN_ARGS;
  static override flags = {
    ...SESSION_FLAGS,
    secret: Flags.string({
      description: "name in the vault",
      helpValue: "<key>",
      exclusive: ["request", "create"],
    }),
    request: Flags.string({
      description: "method and path",
      helpValue: "'GET /api/x'",
      exclusive: ["create"],
    }),
    create: Flags.string({ description: "properties of a tunnel", helpValue: "<json>" }),
    workspace: Flags.string({ description: "workspace that the request is for", helpValue: "<id>" }),
    project: Flags.string({ description: "project that the request is for", helpValue: "<id>" }),
    "exit-code": Flags.boolean({ description: "end with 7 if the token may not" }),
    ...JSON_FLAG,
  };
  static override exitCodes = TOKENS_EXPLAIN_EXIT_CODES;

  protected override async execute({ flags, args }: Invocation<typeof TokensExplain>): Promise<void> {
    const { input, word } = await tokenWord({ flags, args }, TokensExplain.usage);
    const asked = askedOf(flags);
    using session = await openSession(input, this.sources, { use: "names" });
    const read = await readTokens(session.ports, { ...session.request, only: word });
    const isAllowed = await explainRequest(read, asked, flags, this.output);
    await session.remember(read.manifest);
    if (flags["exit-code"] && !isAllowed) this.exitWith(DIFFERENT_EXIT_CODE);
  }
}
