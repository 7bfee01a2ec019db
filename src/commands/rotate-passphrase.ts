import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, NOTE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { durationFlag } from "../cli/inputs/duration-flag.ts";
import { META_FLAG } from "../cli/inputs/meta-flag.ts";
import { finishVaultRotation, rotateVault } from "../cli/rotation/rotation.ts";
import { ROTATE_EXIT_CODES } from "../exit-codes.ts";

export class RotatePassphrase extends BaseCommand {
  static override summary = "Re-encrypt a vault under a new passphrase";
  static override description =
    `Decrypts the vault in memory with the old passphrase, re-encrypts it under the new one with fresh keys, writes that as a
new object, and swaps the manifest in one conditional write. Wherever it is interrupted, the vault opens exactly as before
or exactly as after. Runtime tokens stay valid.

With --grace the old passphrase keeps reading for that long (it writes no more), so that apps restart whenever they
like; --finish ends that at once. After a leak give no --grace: the old passphrase must stop opening the vault now.
Either way, whoever had it may have read the values: replace those as well, and remove the old bundles with gc.

Unattended: the old passphrase from VSYNC_PASSPHRASE(_FILE) or --old-passphrase-file, the new one from
VSYNC_NEW_PASSPHRASE(_FILE), --new-passphrase-file or --generate, and --yes. With --generate --out the new passphrase is
on disk before the vault is touched. The file counts once this command has ended with 0 or 4; it is removed if the rotation
is known to have failed, and kept if the outcome is unknown. A run that was interrupted is safe to repeat.`;
  static override examples = [
    "<%= config.bin %> rotate-passphrase --env=prod --grace=24h",
    "<%= config.bin %> rotate-passphrase --env=prod --finish",
    "<%= config.bin %> rotate-passphrase --env=prod --generate --out=/run/vsync/new --grace=24h --yes --meta ticket=OPS-7",
    "<%= config.bin %> rotate-passphrase --env=prod --generate --yes | wrangler secret put VSYNC_PASSPHRASE",
  ];
  static override args = ENV_ARG;
  static override flags = {
    ...VAULT_FLAGS,
    "old-passphrase-file": Flags.string({
      description: "file that holds the old passphrase (- is stdin); else VSYNC_PASSPHRASE(_FILE)",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      exclusive: ["finish"],
    }),
    "new-passphrase-file": Flags.string({
      description: "file that holds the new passphrase (- is stdin); else VSYNC_NEW_PASSPHRASE(_FILE)",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      exclusive: ["generate", "finish"],
    }),
    generate: Flags.boolean({
      description: "generate the new passphrase and print it, alone on stdout, once the vault opens with it",
      helpGroup: "PASSPHRASES",
      exclusive: ["finish"],
    }),
    out: Flags.string({
      description: "write it to this new file instead (mode 0600), before the vault is touched",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      dependsOn: ["generate"],
    }),
    grace: durationFlag(
      "grace",
      { from: "1s", to: "90d" },
      {
        description: "how long the old passphrase keeps reading, as in 24h; not for one that has leaked",
        exclusive: ["finish"],
      },
    ),
    finish: Flags.boolean({ description: "end the grace window now: the old passphrase no longer opens anything" }),
    "passphrase-file": Flags.string({
      description: "with --finish: file that holds the current passphrase (- is stdin); else VSYNC_PASSPHRASE(_FILE)",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      dependsOn: ["finish"],
    }),
    "dry-run": Flags.boolean({ description: "do everything up to the first write, and say what would be done" }),
    yes: Flags.boolean({ char: "y", description: "do not ask" }),
    ...NOTE_FLAG,
    ...META_FLAG,
  };
  static override exitCodes = ROTATE_EXIT_CODES;

  protected override async execute({ flags, args }: Invocation<typeof RotatePassphrase>): Promise<void> {
    await (flags.finish ? finishVaultRotation : rotateVault)({ flags, args }, this.sources);
  }
}
