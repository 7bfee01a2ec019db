import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, Flags, JSON_FLAG, NOTE_FLAG, VAULT_FLAGS } from "../cli/command/flags.ts";
import { META_FLAG } from "../cli/inputs/meta-flag.ts";
import { durationFlag } from "../cli/inputs/time-flags.ts";
import { finishVaultRotation, rotateVault } from "../cli/rotation/rotation.ts";
import { ROTATE_EXIT_CODES } from "../exit-codes.ts";

export class RotatePassphrase extends BaseCommand {
  static override summary = "Re-encrypt a vault under a new passphrase";
  static override description =
    `Decrypts the vault in memory with the old passphrase, re-encrypts it under the new one with fresh keys, writes the result as
a new object, and swaps the manifest in one conditional write. If it is interrupted, the vault opens exactly as before or
exactly as after. Runtime tokens stay valid.

With --grace the old passphrase still reads, but no longer writes, for that long, and apps can restart in their own time;
--finish ends the window at once. After a leak, do not use --grace: the old passphrase must stop opening the vault now.
Its holder may have read the values, so change them too, and remove the old bundles with gc. Scoped tokens keep working, and
the command lists them. If the vault has any, --leaked draws a new anchor. Until a host gets a new VSYNC_CONFIG, anybody who
knew the old passphrase can forge generations for it; --finish then ends the old anchors.

To run unattended, give the old passphrase in VSYNC_PASSPHRASE(_FILE) or --old-passphrase-file, the new one in
VSYNC_NEW_PASSPHRASE(_FILE), --new-passphrase-file or --generate, and --yes. With --generate --out, the new passphrase is on
disk before the vault changes. Use the file if the command ends with 0 or 4. vsync removes it if the rotation failed, and
keeps it if the outcome is unknown. You can safely repeat an interrupted run.`;
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
      description: "file with the old passphrase, - for stdin (default: VSYNC_PASSPHRASE(_FILE))",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      exclusive: ["finish"],
    }),
    "new-passphrase-file": Flags.string({
      description: "file with the new passphrase, - for stdin (default: VSYNC_NEW_PASSPHRASE(_FILE))",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      exclusive: ["generate", "finish"],
    }),
    generate: Flags.boolean({
      description: "generate the new passphrase, and print it alone on stdout once the vault opens with it",
      helpGroup: "PASSPHRASES",
      exclusive: ["finish"],
    }),
    out: Flags.string({
      description: "write it to this new file instead (mode 0600), before the vault changes",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      dependsOn: ["generate"],
    }),
    grace: durationFlag(
      "grace",
      { from: "1s", to: "90d" },
      {
        description: "how long the old passphrase still reads, as in 24h; not for one that leaked",
        exclusive: ["finish"],
      },
    ),
    leaked: Flags.boolean({
      description: "somebody else knows the old passphrase: also draw a new anchor for scoped tokens",
      exclusive: ["grace", "finish"],
    }),
    tokens: Flags.option({
      options: ["keep", "revoke"] as const,
      description: "with --leaked: whether scoped tokens keep working",
      dependsOn: ["leaked"],
    })(),
    finish: Flags.boolean({
      description:
        "end the grace window now, and the anchors from before --leaked: hosts that still pin them stop opening the vault",
    }),
    "passphrase-file": Flags.string({
      description: "with --finish: file with the current passphrase, - for stdin (default: VSYNC_PASSPHRASE(_FILE))",
      helpValue: "<file>",
      helpGroup: "PASSPHRASES",
      dependsOn: ["finish"],
    }),
    "dry-run": Flags.boolean({ description: "do everything up to the first write, and show what would follow" }),
    yes: Flags.boolean({ char: "y", description: "do not ask" }),
    ...NOTE_FLAG,
    ...META_FLAG,
    ...JSON_FLAG,
  };
  static override exitCodes = ROTATE_EXIT_CODES;

  protected override async execute({ flags, args }: Invocation<typeof RotatePassphrase>): Promise<void> {
    await (flags.finish ? finishVaultRotation : rotateVault)({ flags, args }, this.sources);
  }
}
