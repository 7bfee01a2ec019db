import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import {
  arg,
  CONSENT_FLAGS,
  CREDENTIAL_FLAGS,
  ENV_ARG,
  Flags,
  JSON_FLAG,
  LOCATION_FLAGS,
  NOTE_FLAG,
  SESSION_FLAGS,
  TERMS_FLAGS,
} from "../cli/command/flags.ts";
import { finishMove } from "../cli/move/finish-move.ts";
import { moveVault } from "../cli/move/move.ts";
import { renderFinishedMove, renderMoved } from "../cli/move/render-move.ts";

export class Move extends BaseCommand {
  static override summary = "Move a vault to another env, prefix or bucket";
  static override description =
    `Copies the history, commits a generation at the new place, and then one at the old place that says where the vault
went. Nobody can write at the old place any more, but apps still start from it. No machine follows by itself: give apps
new tokens, and ask colleagues to run init. The vault keeps its id, audit chain and scoped tokens. To go on with an
interrupted move, run it again.

--finish removes the bundles at the old place, which old tokens and passphrases can still open. --from is for objects that
you copied by other means: it moves the copy, and the original can stay in use.`;
  static override usage = "move ENV [NEW] [flags]";
  static override examples = [
    "<%= config.bin %> move prod live",
    "<%= config.bin %> move prod --bucket=acme-eu --region=eu-central-1",
    "<%= config.bin %> move live --finish",
    "<%= config.bin %> move prod live --from=acme/live/",
  ];
  static override args = { ...ENV_ARG, new: arg("its new env") };
  static override flags = {
    ...SESSION_FLAGS,
    finish: Flags.boolean({
      description: "remove the bundles at the vault's old place",
      exclusive: ["from", ...Object.keys({ ...LOCATION_FLAGS, ...TERMS_FLAGS })],
    }),
    from: Flags.string({ description: "prefix of a copy made by other means", helpValue: "<prefix>/" }),
    ...LOCATION_FLAGS,
    ...TERMS_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...CONSENT_FLAGS,
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Move>): Promise<void> {
    if (flags.finish)
      return renderFinishedMove(await finishMove({ flags, args }, flags, this.sources), flags, this.output);
    renderMoved(await moveVault({ flags, args }, args.new, flags, this.sources), flags, this.output);
  }
}
