import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { systemRandom } from "../../stores/open-store.ts";
import { NEW_PASSPHRASE, readSecret, type SecretSources } from "../inputs/secret-input.ts";
import { generatePassphrase } from "./passphrase-generator.ts";

export interface NewPassphraseFlags {
  readonly generate?: boolean | undefined;
  readonly "new-passphrase-file"?: string | undefined;
}

/** The passphrase that a rotation is to set, from wherever it comes. */
export class NewPassphrase {
  readonly #flags: NewPassphraseFlags;
  readonly #sources: SecretSources;
  #secret: Secret | null = null;

  /** @throws InputError it is given in no way, and nobody can be asked */
  constructor(flags: NewPassphraseFlags, sources: SecretSources) {
    this.#flags = flags;
    this.#sources = sources;
    if (this.#mustBeAsked && !sources.prompter.isInteractive) throw missing();
  }

  /** Null where it has still to be asked for. */
  get known(): Secret | null {
    return this.#secret;
  }

  /** Reads it now, unless a person has to be asked: a bad one is refused before anything is sent. @throws InputError it is too short */
  async readEarly(): Promise<void> {
    if (!this.#mustBeAsked) await this.read();
  }

  /** Asks a person for it if need be, once. */
  async read(): Promise<Secret> {
    this.#secret ??= this.#flags.generate
      ? generatePassphrase(systemRandom)
      : await readSecret(NEW_PASSPHRASE, this.#flags["new-passphrase-file"], this.#sources);
    return this.#secret;
  }

  destroy(): void {
    this.#secret?.destroy();
  }

  get #mustBeAsked(): boolean {
    const { variables } = this.#sources;
    const isGiven = this.#flags.generate || this.#flags["new-passphrase-file"] !== undefined;
    return !isGiven && !variables[NEW_PASSPHRASE.variable] && !variables[`${NEW_PASSPHRASE.variable}_FILE`];
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
