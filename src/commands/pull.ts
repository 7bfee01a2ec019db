import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, PASSPHRASE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { printDotenv, pullFiles, renderPull } from "../cli/items/pull.ts";
import { openAnywhere } from "../cli/session/open-anywhere.ts";

export class Pull extends BaseCommand {
  static override summary = "Write the vault's secrets and files to the disk";
  static override description =
    `Everything is decrypted and checked before the first write. Files get mode 0600, and each is written whole or not at all.
If a local file differs from the vault, nothing is written and the command ends with 5, unless --force is given; a dotenv
file that says the same keeps its comments. Links are not followed. The vault is the one of the named env, or of
VSYNC_CONFIG.`;
  static override examples = [
    "<%= config.bin %> pull prod",
    "<%= config.bin %> pull prod --to=.env --files-dir=secrets --force",
    "<%= config.bin %> pull prod --stdout | grep ^DATABASE_",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    ...PASSPHRASE_FLAG,
    to: Flags.string({ description: "dotenv file, `.env.<env>` if not given", helpValue: "<file>" }),
    "files-dir": Flags.string({ description: "folder for the vault's files", helpValue: "<folder>", default: "." }),
    force: Flags.boolean({ char: "f", description: "overwrite what differs here" }),
    stdout: Flags.boolean({
      description: "print the dotenv file and write nothing",
      exclusive: ["to", "force", "json"],
    }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Pull>): Promise<void> {
    const vault = await openAnywhere({ flags, args }, this.sources);
    if (flags.stdout) printDotenv(vault, this.output);
    else renderPull(await pullFiles(vault, flags), vault, flags, this.output);
  }
}
