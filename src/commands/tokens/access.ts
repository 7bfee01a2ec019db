import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { Flags } from "../../cli/command/flags.ts";
import { durationFlag } from "../../cli/inputs/time-flags.ts";
import { accessToken } from "../../cli/tokens/access.ts";

export class TokensAccess extends BaseCommand {
  static override summary = "Make a short-lived access token that other services verify";
  static override description =
    `Signs a JWT with the scoped token in VSYNC_CONFIG or VSYNC_TOKEN, offline. The JWT tells a service what its holder
may do, never more than the scoped token allows, and expires by itself. Always name the audience: without one, a service
that sees the token can show it elsewhere.`;
  static override examples = [
    "VSYNC_CONFIG_FILE=api.token <%= config.bin %> tokens access --audience=https://tunnels.example.com --permissions=tunnels.tunnels.create-delete",
    "VSYNC_CONFIG_FILE=api.token <%= config.bin %> tokens access --expires=5m --audience=edge --grants=@device.json",
  ];
  static override flags = {
    expires: durationFlag("expires", { from: "1s", to: "7d" }, { description: "its lifetime (default: 60s)" }),
    audience: Flags.string({ description: "service that it is for", helpValue: "<text>" }),
    permissions: Flags.string({
      description: "its permissions (default: those of the scoped token)",
      helpValue: "<list>",
      multiple: true,
      delimiter: ",",
    }),
    grants: Flags.string({
      description: "its grants as JSON, or @ and the file that holds them",
      helpValue: "<json>|@<file>",
    }),
  };

  protected override async execute({ flags }: Invocation<typeof TokensAccess>): Promise<void> {
    this.output.raw(`${await accessToken(flags, this.sources)}\n`);
  }
}
