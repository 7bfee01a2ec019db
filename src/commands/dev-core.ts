import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, SESSION_FLAGS } from "../cli/command/flags.ts";
import { serveDevCore } from "../cli/gateway/serve.ts";

export class DevCore extends BaseCommand {
  static override summary = "Answer npm's @farthershore/backend from this vault, on this machine";
  static override description =
    `That client asks a core for its configuration and keys. This command answers from the vault, and an origin with the
unchanged client then accepts what the vault's gateway signs in profile x-fs. Prints the two variables that the client
reads. Listens only on 127.0.0.1, and runs until Ctrl-C.`;
  static override examples = ["<%= config.bin %> dev-core dev --backend=api --port=8788"];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    backend: Flags.string({
      description: "backend that the origin serves (default: the default one)",
      helpValue: "<id>",
    }),
    port: Flags.integer({
      description: "port to listen on; 0 for any",
      helpValue: "<port>",
      min: 0,
      max: 65_535,
      default: 8788,
    }),
  };

  protected override async execute({ flags, args }: Invocation<typeof DevCore>): Promise<void> {
    await serveDevCore({ flags, args }, flags, this.sources);
  }
}
