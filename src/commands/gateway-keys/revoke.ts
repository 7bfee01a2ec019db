import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { arg, Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { renderGatewayKeysChange } from "../../cli/gateway/gateway-keys.ts";
import { META_FLAG } from "../../cli/inputs/meta-flag.ts";
import { openSession } from "../../cli/session/session.ts";
import { requireYes } from "../../cli/tokens/end.ts";
import { tokenWord } from "../../cli/tokens/token-words.ts";
import { proposeGatewayKeyRevoke } from "../../vault/tokens/gateway-keys.ts";

export class GatewayKeysRevoke extends BaseCommand {
  static override summary = "End a gateway key at once";
  static override description =
    `Origins refuse what the key signs once they have asked the vault again, and a gateway that still signs with it gets
refusals. So make a new key two minutes earlier, with \`gateway-keys rotate\`, unless somebody else has this one. Needs
--yes, even on a terminal.`;
  static override usage = "gateway-keys revoke ENV KID [flags]";
  static override examples = ["<%= config.bin %> gateway-keys revoke prod gw_0123456789abcdef --yes"];
  static override args = {
    env: arg("env of the vault, like `--env`"),
    kid: arg("id of the key, as gateway-keys list shows it"),
  };
  static override flags = {
    ...SESSION_FLAGS,
    yes: Flags.boolean({ char: "y", description: "revoke; without it nothing changes" }),
    ...NOTE_FLAG,
    ...META_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof GatewayKeysRevoke>): Promise<void> {
    const given = { flags, args: { env: args.env, token: args.kid } };
    const { input, word: kid } = await tokenWord(given, GatewayKeysRevoke.usage);
    requireYes(flags, [kid], "gateways sign with another key");
    using session = await openSession(input, this.sources);
    using proposal = await proposeGatewayKeyRevoke(session.ports, { ...session.request, kid });
    const committed = await proposal.commit();
    if (committed !== null) renderGatewayKeysChange(proposal.plan, committed, session.config, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
