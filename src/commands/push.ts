import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { PUSH_FLAGS } from "../cli/items/push-flags.ts";
import { readPushInput } from "../cli/items/push-input.ts";
import { confirmRemoval, renderPush } from "../cli/items/render-push.ts";
import { identityOf, openSession, remember } from "../cli/session/session.ts";
import { pushItems } from "../vault/push.ts";

export class Push extends BaseCommand {
  static override summary = "Replace the vault's content by dotenv and binary files";
  static override description =
    `Removes everything that the files lack; on a terminal, vsync asks first. Shows names, never values. A push that changes
nothing writes nothing.`;
  static override examples = [
    "<%= config.bin %> push prod",
    "<%= config.bin %> push prod --file certs/ca.pem=./ca.pem",
    "sops -d prod.enc.env | <%= config.bin %> push prod --from=-",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    ...PUSH_FLAGS,
  };

  protected override async execute({ flags, args }: Invocation<typeof Push>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources);
    const { config, ports, request } = session;
    const items = await readPushInput(flags, config.env, this.sources);
    const confirm = confirmRemoval(this.prompter, this.output, flags);
    const result = await pushItems(ports, {
      ...request,
      identity: identityOf(config),
      items,
      mayEmpty: flags["allow-empty"],
      confirm,
    });
    renderPush(result, config.env, flags, this.output);
    if (result.kind === "pushed") await remember(config, result.committed.manifest, this.warnUser);
  }
}
