import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, SESSION_FLAGS } from "../cli/command/flags.ts";
import { serveDevGateway } from "../cli/gateway/serve.ts";

export class DevGateway extends BaseCommand {
  static override summary = "Run a gateway on this machine, in front of the server that you develop";
  static override description =
    `Signs each request as the vault's gateway would, with the passphrase in place of a token, and passes it on to --to.
Listens only on 127.0.0.1, prints its URL, and runs until Ctrl-C. If others need to reach it, run vsync/gateway in your
own proxy; examples/gateway.mjs is one.`;
  static override examples = ["<%= config.bin %> dev-gateway dev --to=http://localhost:3000"];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    to: Flags.string({ description: "server to pass requests on to", helpValue: "<url>", required: true }),
    port: Flags.integer({
      description: "port to listen on; 0 for any",
      helpValue: "<port>",
      min: 0,
      max: 65_535,
      default: 8080,
    }),
  };

  protected override async execute({ flags, args }: Invocation<typeof DevGateway>): Promise<void> {
    await serveDevGateway({ flags, args }, flags.to, this.sources);
  }
}
