import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { renderGatewayKeys } from "../../cli/gateway/gateway-keys.ts";
import { openSession } from "../../cli/session/session.ts";
import { readGatewayKeys } from "../../vault/tokens/gateway-keys.ts";

export class GatewayKeysList extends BaseCommand {
  static override summary = "List the gateway keys, never a private half";
  static override description =
    "Shows each key's id, when it was made, which backends it signs for, when it ends, and which tokens sign with it.";
  static override examples = [
    "<%= config.bin %> gateway-keys list prod",
    "<%= config.bin %> gateway-keys list prod --json",
  ];
  static override args = ENV_ARG;
  static override flags = { ...SESSION_FLAGS, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof GatewayKeysList>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const { manifest, keys } = await readGatewayKeys(session.ports, session.request);
    renderGatewayKeys(keys, session.config, flags, this.output);
    await session.remember(manifest);
  }
}

/** Plain `vsync gateway-keys`. */
export class GatewayKeys extends GatewayKeysList {
  static override summary = "List the gateway keys, like gateway-keys list";
}
