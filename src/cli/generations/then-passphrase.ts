import type { Secret } from "../../crypto/secret.ts";
import type { PassphraseThen } from "../../vault/audit/older-generation.ts";
import { Flags } from "../command/flags.ts";
import { readGivenSecret, readSecret, type SecretInput, type SecretSources } from "../inputs/secret-input.ts";

export const THEN_PASSPHRASE_FLAG = {
  "then-passphrase-file": Flags.string({
    description: "file with the passphrase of that generation, - for stdin (default: VSYNC_THEN_PASSPHRASE(_FILE))",
    helpValue: "<file>",
  }),
};

/**
 * Who is asked where an older generation has another passphrase than the vault of today: the file, the variables, and
 * each time anew a person, where there is one.
 */
export function passphraseThen(file: string | undefined, sources: SecretSources): PassphraseThen {
  let given: Promise<Secret | null> | undefined;
  return async (gen) => {
    const input: SecretInput = {
      what: `the passphrase of gen=${gen}`,
      flag: "then-passphrase-file",
      variable: "VSYNC_THEN_PASSPHRASE",
      question: `Passphrase of gen=${gen}:`,
    };
    given ??= readGivenSecret(input, file, sources);
    const secret = await given;
    return secret === null && sources.prompter.isInteractive ? readSecret(input, undefined, sources) : secret;
  };
}
