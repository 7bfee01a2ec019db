import { Flags, NOTE_FLAG } from "../command/flags.ts";
import { durationFlag } from "../inputs/duration-flag.ts";
import { META_FLAG } from "../inputs/meta-flag.ts";

/** What `rotate-passphrase` takes beside the vault's name. */
export const ROTATION_FLAGS = {
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
