import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { JSON_FLAG, NOTE_FLAG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { KEYS_ARGS, requireSome, splitWords } from "../cli/items/item-words.ts";
import { renderSet } from "../cli/items/render-set.ts";
import { noSuchName } from "../cli/items/selection.ts";
import { openSession, remember } from "../cli/session/session.ts";
import { unsetItems } from "../vault/set.ts";

export class Unset extends BaseCommand {
  static override summary = "Remove secrets and files from the vault";
  static override description =
    `Removes all of them, or none if the vault lacks one of the names. It does not ask. Older generations keep the removed values
until \`vsync gc\`.`;
  static override usage = "unset ENV KEY… [flags]";
  static override examples = [
    "<%= config.bin %> unset prod OLD_TOKEN",
    "<%= config.bin %> unset prod SMTP_USER SMTP_PASSWORD certs/ca.pem --note='mail moved'",
  ];
  static override args = KEYS_ARGS;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Unset>): Promise<void> {
    const { input, names } = splitWords({ flags, args });
    const keys = requireSome(names, Unset.usage);
    using session = await openSession(input, this.sources);
    const { config, ports, request } = session;
    const result = await unsetItems(ports, request, keys, noSuchName);
    renderSet(result, config.env, flags, this.output);
    if (result.committed !== null) await remember(config, result.committed.manifest, this.warnUser);
  }
}
