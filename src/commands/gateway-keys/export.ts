import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, Flags, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { renderJwks } from "../../cli/gateway/gateway-keys.ts";
import { openSession } from "../../cli/session/session.ts";
import { readGatewayKeys } from "../../vault/tokens/gateway-keys.ts";

export class GatewayKeysExport extends BaseCommand {
  static override summary = "Print the public halves of the gateway keys as a JWK Set";
  static override description =
    "For verifiers other than vsync. They learn of a revocation only when you export again.";
  static override examples = ["<%= config.bin %> gateway-keys export prod --jwks >jwks.json"];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    jwks: Flags.boolean({ description: "as a JWK Set (RFC 7517)", required: true }),
  };

  protected override async execute({ flags, args }: Invocation<typeof GatewayKeysExport>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources, { use: "names" });
    const { manifest, keys } = await readGatewayKeys(session.ports, session.request);
    renderJwks(keys, this.output);
    await session.remember(manifest);
  }
}
