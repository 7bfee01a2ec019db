import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, Flags, NOTE_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { META_FLAG } from "../../cli/inputs/meta-flag.ts";
import { createToken } from "../../cli/tokens/create.ts";
import { DELIVERY_FLAGS } from "../../cli/tokens/minting/delivery.ts";
import { CLAIM_FLAGS } from "../../cli/tokens/rights/claim-flags.ts";

export class TokensCreate extends BaseCommand {
  static override summary = "Make a token for one app, CI job or service";
  static override description =
    `Prints one string, once: the app's VSYNC_CONFIG, which needs no passphrase and reads only what you grant. Without --only,
--except or another flag that says what it may do, the token reads everything, including what you add later. With --capabilities,
--meters, --routes, --permissions or --grants it reads no secrets unless you name some.

Before it writes anything, vsync tries the token's bucket key with one HEAD of the manifest. If the answer to the commit
is lost, vsync prints the token all the same, since it may be live, and ends with 3.`;
  static override examples = [
    "<%= config.bin %> tokens create prod --name=api --only='DATABASE_URL,REDIS_*' --expires=90d | wrangler secret put VSYNC_CONFIG",
    "<%= config.bin %> tokens create prod --name=ci --except=STRIPE_KEY --expires=never --if-absent --out=ci.token",
    "<%= config.bin %> tokens create prod --name=meter --capabilities=metering --meters=tokens_used --split",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    ...CLAIM_FLAGS,
    kind: Flags.option({
      options: ["live", "test"] as const,
      description: "kind of token (default: live for prod, production and live, else test)",
    })(),
    "if-absent": Flags.boolean({
      description: "do nothing if a live token has this name and the same claims",
      dependsOn: ["name"],
    }),
    ...DELIVERY_FLAGS,
    ...NOTE_FLAG,
    ...META_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof TokensCreate>): Promise<void> {
    await createToken({ flags, args }, this.sources);
  }
}
