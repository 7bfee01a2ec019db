import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { ENV_ARG, JSON_FLAG, SESSION_FLAGS } from "../cli/command/flags.ts";
import { durationFlag } from "../cli/inputs/time-flags.ts";
import { unlockVault } from "../cli/session/unlock.ts";
import { HOUR_MS } from "../durations.ts";

const DEFAULT_MS = HOUR_MS;

export class Unlock extends BaseCommand {
  static override summary = "Type the passphrase once for a working session";
  static override description =
    `Keeps the key that the passphrase derives in the Linux kernel's keyring of this login session, until --for is over or
you log out. The key can read, and sign push, set, unset, edit, copy, import and restore. Until a rotation, it opens every
generation: all programs that run as you in this session can do what you can. Commands that rotate, or that make or end
tokens, still ask for the passphrase, and so does every command in a folder that is not the vault's own.

Without such a keyring, as in containers and on macOS, it keeps nothing: let VSYNC_PASSPHRASE_COMMAND ask your password manager.`;
  static override examples = ["<%= config.bin %> unlock prod", "<%= config.bin %> unlock prod --for=8h"];
  static override args = ENV_ARG;
  static override flags = {
    ...SESSION_FLAGS,
    for: durationFlag("for", { from: "1s", to: "12h" }, { description: "how long (default: 1h, at most 12h)" }),
    ...JSON_FLAG,
  };

  protected override async execute({ flags, args }: Invocation<typeof Unlock>): Promise<void> {
    await unlockVault({ flags, args }, flags.for ?? DEFAULT_MS, this.sources);
  }
}
