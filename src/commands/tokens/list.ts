import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { durationFlag } from "../../cli/inputs/time-flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { rememberTokens } from "../../cli/tokens/known-tokens.ts";
import { renderTokens } from "../../cli/tokens/list.ts";
import { TOKENS_LIST_EXIT_CODES } from "../../exit-codes.ts";
import { readTokens } from "../../vault/tokens/read.ts";

/** A separate exit code, for cron jobs. */
const EXPIRING = 7;

export class TokensList extends BaseCommand {
  static override summary = "List the tokens of the vault, never a secret";
  static override description =
    `Shows id, last four, name, kind, backend, capabilities, how many names it reads, status, and who made it when. A mark
shows tokens from before the last rotation of the passphrase: people who knew the old one may have them.

With --expiring, lists only tokens that expire within that time or expired at most that long ago, and ends with 7 if it
finds any. It leaves out tokens that were rotated or revoked.`;
  static override examples = [
    "<%= config.bin %> tokens list prod",
    "<%= config.bin %> tokens list prod --expiring=14d",
    "<%= config.bin %> tokens list prod --all --json",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    all: Flags.boolean({ description: "also those that were revoked or have expired", exclusive: ["expiring"] }),
    expiring: durationFlag(
      "expiring",
      { from: "1s", to: "3650d" },
      { description: "only those that expire within this time, or expired at most that long ago" },
    ),
    ...JSON_FLAG,
  };
  static override exitCodes = TOKENS_LIST_EXIT_CODES;

  protected override async execute({ flags, args }: Invocation<typeof TokensList>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const read = await readTokens(session.ports, session.request);
    const shown = renderTokens(read, flags, session.config, this.output);
    await rememberTokens(session.config, read.tokens);
    await session.remember(read.manifest);
    if (flags.expiring !== undefined && shown.length > 0) this.exitWith(EXPIRING);
  }
}

/** Plain `vsync tokens`. */
export class Tokens extends TokensList {
  static override summary = "List the tokens of the vault, like tokens list";
}
