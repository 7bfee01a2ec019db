import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { Flags, JSON_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { KEY_ARGS, requireOne, splitWords } from "../cli/items/item-words.ts";
import { renderValue } from "../cli/items/render-items.ts";
import { findReadable } from "../cli/items/selection.ts";
import { openAnywhere } from "../cli/session/open-anywhere.ts";

export class Get extends BaseCommand {
  static override summary = "Print one secret's value, or one file's bytes";
  static override description =
    `Prints the value with a line break after it, unless you give --raw. A file needs --raw for its bytes, or --json for base64.
Without an env, reads the vault of VSYNC_CONFIG.`;
  static override usage = "get ENV KEY [flags]";
  static override examples = [
    "<%= config.bin %> get prod DATABASE_URL",
    "<%= config.bin %> get prod certs/ca.pem --raw > ca.pem",
    "VSYNC_CONFIG=… VSYNC_PASSPHRASE=… <%= config.bin %> get DATABASE_URL",
  ];
  static override args = KEY_ARGS;
  static override flags = {
    ...SESSION_FLAGS,
    ...JSON_FLAG,
    raw: Flags.boolean({ description: "print only the bytes, without a line break", exclusive: ["json"] }),
  };

  protected override async execute({ flags, args }: Invocation<typeof Get>): Promise<void> {
    const { input, names } = await splitWords({ flags, args }, { takesOne: true, usage: Get.usage });
    const name = requireOne(names, Get.usage);
    const vault = await openAnywhere(input, this.sources);
    renderValue(findReadable(vault, name), flags, this.output);
  }
}
