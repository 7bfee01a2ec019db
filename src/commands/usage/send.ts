import { BaseCommand, type Invocation } from "../../cli/command/base-command.ts";
import { Flags } from "../../cli/command/flags.ts";
import { dropLeft, sendLeft } from "../../cli/usage/send.ts";

export class UsageSend extends BaseCommand {
  static override summary = "Send usage that a killed app left on this machine";
  static override description =
    `An app does this itself at its next start. But if its token was replaced in the meantime, only the old token can send
that usage: give it in VSYNC_CONFIG or VSYNC_CONFIG_FILE, as the app had it, before it ends. Once it has ended, --drop
removes what is left.`;
  static override examples = [
    "VSYNC_CONFIG_FILE=old.token <%= config.bin %> usage send",
    "<%= config.bin %> usage send --drop=tok_0123456789abcdef0123456789abcdef --yes",
  ];
  static override flags = {
    drop: Flags.string({ description: "remove what apps with this token left, unsent", helpValue: "<token id>" }),
    yes: Flags.boolean({ char: "y", description: "do not ask before --drop removes", dependsOn: ["drop"] }),
  };

  protected override async execute({ flags }: Invocation<typeof UsageSend>): Promise<void> {
    await (flags.drop === undefined ? sendLeft(this.sources) : dropLeft(flags.drop, flags, this.sources));
  }
}
