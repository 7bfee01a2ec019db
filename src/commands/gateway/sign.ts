import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { ENV_ARG, Flags, SESSION_FLAGS } from "../../cli/command/flags.ts";
import { signAsCurl } from "../../cli/gateway/curl.ts";

export class GatewaySign extends BaseCommand {
  static override summary = "Sign one request, as a curl command for an origin";
  static override description =
    `Prints a curl command with a request that the origin serves once, within the backend's maxAgeSeconds. Signs with the
passphrase in place of a token. Use it to find out why an origin refuses what its gateway sends.`;
  static override examples = [
    "<%= config.bin %> gateway sign dev --curl --request='GET /v1/jobs' --to=http://localhost:3000 | sh",
    "<%= config.bin %> gateway sign dev --curl --request='POST /v1/jobs' --data=@job.json --header='content-type: application/json' --to=http://localhost:3000",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    curl: Flags.boolean({ description: "as a curl command", required: true }),
    request: Flags.string({ description: "as in 'GET /v1/jobs?page=2'", helpValue: "'GET /path'", required: true }),
    to: Flags.string({ description: "URL of the origin", helpValue: "<url>", required: true }),
    header: Flags.string({ description: "header of the request", helpValue: "'<name>: <value>'", multiple: true }),
    data: Flags.string({
      description: "body, or @ and the file that holds it (@- for stdin)",
      helpValue: "<text>|@<file>",
    }),
  };

  protected override async execute({ flags, args }: Invocation<typeof GatewaySign>): Promise<void> {
    await signAsCurl({ flags, args }, this.sources);
  }
}
