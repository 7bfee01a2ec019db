import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { Flags, JSON_FLAG } from "../cli/command/flags.ts";
import { readToken } from "../cli/inputs/token-input.ts";
import { describeToken } from "../cli/session/describe-token.ts";

export class Inspect extends BaseCommand {
  static override summary = "Check a runtime token offline and show its fields";
  static override description =
    "Reads the token from --file, VSYNC_CONFIG_FILE, VSYNC_CONFIG or stdin, and masks its secret fields.";
  static override examples = [
    "<%= config.bin %> runtime-token --env=prod | <%= config.bin %> inspect",
    "<%= config.bin %> inspect --file=/etc/vsync/config --json",
  ];
  static override flags = {
    file: Flags.string({ description: "file with the token (- for stdin)", helpValue: "<file>" }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags }: Invocation<typeof Inspect>): Promise<void> {
    const fields = await describeToken(await readToken(flags.file, this.sources));
    if (flags.json) this.output.json(fields);
    else this.output.fields(fields);
  }
}
