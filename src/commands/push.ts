import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import {
  ENV_ARG,
  Flags,
  JSON_FLAG,
  NOTE_FLAG,
  PASSPHRASE_FLAG,
  VAULT_FLAGS,
  vaultFlagsOf,
} from "../cli/command/flags.ts";
import { beforeRemoving, commitChanges, renderOutcome } from "../cli/items/proposed-changes.ts";
import { readPushInput } from "../cli/items/push-input.ts";
import { openSession } from "../cli/session/session.ts";
import { proposePush } from "../vault/push.ts";

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
    from: Flags.string({ description: "dotenv file, - for stdin (default: `.env.<env>`)", helpValue: "<file>" }),
    file: Flags.string({
      description: "binary file to store under a name",
      helpValue: "<name>=<path>",
      multiple: true,
    }),
    yes: Flags.boolean({ char: "y", description: "remove without asking" }),
    "allow-empty": Flags.boolean({ description: "let an empty input empty the vault" }),
    ...NOTE_FLAG,
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Push>): Promise<void> {
    using session = await openSession({ flags, args }, this.sources);
    const { env } = session.config;
    const items = await readPushInput(flags, env, this.sources);
    const request = { ...session.request, identity: session.identity, items, mayEmpty: flags["allow-empty"] };
    using proposal = await proposePush(session.ports, request);
    const { plan } = proposal;
    const asking = beforeRemoving(
      session.config,
      `to remove them, give --yes; to change one secret, vsync set ${vaultFlagsOf(env, flags)} <name>`,
    );
    const committed = await commitChanges(proposal, asking, flags, this.sources);
    const nothing = `Nothing to push: ${env} already holds exactly this (gen=${plan.gen})`;
    renderOutcome({ plan, committed }, { nothing, done: `Pushed ${env}` }, env, flags, this.output);
    await session.remember(committed?.manifest);
  }
}
