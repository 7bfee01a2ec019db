import type { Secret } from "../../crypto/secret.ts";
import type { OlderHolder } from "../../vault/audit/older-generation.ts";
import { PassphraseHolder } from "../../vault/unlock/passphrase-holder.ts";
import { Flags } from "../command/flags.ts";
import {
  askPassphrase,
  type OpeningPassphrase,
  readGivenSecret,
  type SecretInput,
  type SecretSources,
} from "../inputs/secret-input.ts";

export const THEN_PASSPHRASE_FLAG = {
  "then-passphrase-file": Flags.string({
    description: "file with the passphrase of that generation, - for stdin (default: VSYNC_THEN_PASSPHRASE(_FILE))",
    helpValue: "<file>",
  }),
};

/**
 * Finds the passphrase of an older generation if it differs from today's: from the file, the variables, or a prompt for
 * each generation. Disposing of this zeroes all their keys.
 */
export class OlderPassphrases implements Disposable {
  readonly #file: string | undefined;
  readonly #sources: SecretSources;
  readonly #holders: PassphraseHolder[] = [];
  #given: Promise<Secret | null> | undefined;

  constructor(file: string | undefined, sources: SecretSources) {
    this.#file = file;
    this.#sources = sources;
  }

  readonly holderOf: OlderHolder = async (gen) => {
    const opening = await this.#read({
      what: `the passphrase of gen=${gen}`,
      flag: "then-passphrase-file",
      variable: "VSYNC_THEN_PASSPHRASE",
      question: `Passphrase of gen=${gen}:`,
    });
    if (opening === null) return null;
    const holder = new PassphraseHolder(opening.secret, undefined, opening.askAgain);
    this.#holders.push(holder);
    return holder;
  };

  async #read(input: SecretInput): Promise<OpeningPassphrase | null> {
    this.#given ??= readGivenSecret(input, this.#file, this.#sources);
    const secret = await this.#given;
    if (secret !== null) return { secret };
    return this.#sources.prompter.isInteractive ? askPassphrase(input, this.#sources) : null;
  }

  [Symbol.dispose](): void {
    for (const holder of this.#holders) holder[Symbol.dispose]();
  }
}
