import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { JSON_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { renderToken } from "../../cli/tokens/show.ts";
import { TOKEN_ARGS, tokenWord } from "../../cli/tokens/token-words.ts";
import { readAudit } from "../../vault/audit/chain.ts";
import { readTokens } from "../../vault/tokens/read.ts";

export class TokensShow extends BaseCommand {
  static override summary = "Show a token's claims, and the names that it reads now";
  static override description =
    `Shows all claims, who made the token, its rows in the audit log, and what it replaced. Name the token by its id, the
start of its id, its last four or its name. The secret cannot be shown again.`;
  static override usage = "tokens show ENV TOKEN [flags]";
  static override examples = [
    "<%= config.bin %> tokens show prod api",
    "<%= config.bin %> tokens show prod api --json",
  ];
  static override args = TOKEN_ARGS;
  static override flags = { ...SESSION_FLAGS, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof TokensShow>): Promise<void> {
    const { input, word } = await tokenWord({ flags, args }, TokensShow.usage);
    using session = await openSession(input, this.sources, { use: "names" });
    const read = await readTokens(session.ports, { ...session.request, only: word });
    const { rows } = await readAudit(session.ports, session.request);
    renderToken(read, rows, flags, this.output);
    await session.remember(read.manifest);
  }
}
