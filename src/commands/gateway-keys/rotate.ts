import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { renderGatewayKeysChange } from "../../cli/gateway/gateway-keys.ts";
import { META_FLAG } from "../../cli/inputs/meta-flag.ts";
import { durationFlag } from "../../cli/inputs/time-flags.ts";
import { openSession } from "../../cli/session/session.ts";
import { DAY_MS } from "../../durations.ts";
import { proposeGatewayKeysRotate } from "../../vault/tokens/gateway-keys.ts";

const DEFAULT_OVERLAP_MS = DAY_MS;

export class GatewayKeysRotate extends BaseCommand {
  static override summary = "Make a new key that the gateway signs requests with";
  static override description =
    `Gateways and origins get the new key from the vault within a minute, and a gateway signs with it after two. The old
key verifies until the overlap is over, so no request is refused. Only tokens with the permission api.gateway.sign get the
private half; it is not among the secrets, and neither \`run\` nor \`export\` shows it.

With --backends, the key signs only for these backends. An edge gateway gets only this key if its token is bound to one of
them (\`tokens create --backend\`).`;
  static override examples = [
    "<%= config.bin %> gateway-keys rotate prod",
    "<%= config.bin %> gateway-keys rotate prod --overlap=1h --note=monthly",
    "<%= config.bin %> gateway-keys rotate prod --backends=eu",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    overlap: durationFlag(
      "overlap",
      { from: "5m", to: "365d" },
      { description: "how much longer the old key verifies (default: 24h)" },
    ),
    backends: Flags.string({
      description: "only backends that the key signs for (default: all)",
      helpValue: "<id>,<id>",
      multiple: true,
      delimiter: ",",
    }),
    ...NOTE_FLAG,
    ...META_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof GatewayKeysRotate>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources);
    const { overlap: overlapMs = DEFAULT_OVERLAP_MS, backends } = flags;
    using proposal = await proposeGatewayKeysRotate(session.ports, { ...session.request, overlapMs, backends });
    const committed = await proposal.commit();
    if (committed !== null) renderGatewayKeysChange(proposal.plan, committed, session.config, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
