import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { systemRandom } from "../../stores/open-store.ts";
import { generatePassphrase } from "../inputs/generated-passphrase.ts";
import { isSetIn, NEW_PASSPHRASE, readSecret, type SecretSources } from "../inputs/secret-input.ts";

export interface NewPassphraseFlags {
  readonly generate?: boolean | undefined;
  readonly "new-passphrase-file"?: string | undefined;
}

/** The new passphrase of a rotation: generated, given, or typed at a prompt. */
export class NewPassphrase implements Disposable {
  readonly #flags: NewPassphraseFlags;
  readonly #sources: SecretSources;
  #secret: Secret | null = null;

  /**
   * @throws InputError it is missing and nobody can be asked
   */
  constructor(flags: NewPassphraseFlags, sources: SecretSources) {
    this.#flags = flags;
    this.#sources = sources;
    if (this.#mustBeAsked && !sources.prompter.isInteractive) throw missing();
  }

  /**
   * Reads the passphrase now, or returns null if it has to be typed. A bad one is refused before any request.
   *
   * @throws InputError it is too short
   */
  async readEarly(): Promise<Secret | null> {
    return this.#mustBeAsked ? null : this.read();
  }

  /** Returns the passphrase. Asks for it at most once. */
  async read(): Promise<Secret> {
    this.#secret ??= this.#flags.generate
      ? generatePassphrase(systemRandom)
      : await readSecret(NEW_PASSPHRASE, this.#flags["new-passphrase-file"], this.#sources);
    return this.#secret;
  }

  [Symbol.dispose](): void {
    this.#secret?.destroy();
  }

  get #mustBeAsked(): boolean {
    const isGiven = this.#flags.generate || this.#flags["new-passphrase-file"] !== undefined;
    return !isGiven && !isSetIn(this.#sources.variables, NEW_PASSPHRASE);
  }
}

function missing(): InputError {
  const { what, flag, variable } = NEW_PASSPHRASE;
  return new InputError(`missing ${what}`, {
    hint:
      `let --generate make one, give it with --${flag}=<file> (- is stdin), ${variable}_FILE or ${variable}, ` +
      "or run this on a terminal",
  });
}
