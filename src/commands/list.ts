import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { renderList } from "../cli/items/render-items.ts";
import { openAnywhere } from "../cli/session/open-anywhere.ts";

export class List extends BaseCommand {
  static override summary = "List the names in the vault, never values";
  static override description =
    `Sorted, one name per line. On a terminal, and with --json, also shows the kind of each entry and the sizes of files. Without
an env, lists the vault of VSYNC_CONFIG.`;
  static override examples = ["<%= config.bin %> list prod", "<%= config.bin %> list prod --json"];
  static override args = ENV_ARG;
  static override flags = { ...SESSION_FLAGS, ...JSON_FLAG };

  protected override async execute({ flags, args }: Invocation<typeof List>): Promise<void> {
    renderList(await openAnywhere({ flags, args }, this.sources, { use: "names" }), flags, this.output);
  }
}
