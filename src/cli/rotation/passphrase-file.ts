import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { type Target, vaultFlags } from "../config/target.ts";
import { isTaken, NewFiles } from "../delivery/new-files.ts";
import type { Output } from "../terminal/output.ts";

/** Writes the passphrase to a new file before the first write to the store. */
export class PassphraseFile extends NewFiles<Secret> {
  readonly #path: string;

  private constructor(path: string, target: Target, output: Output) {
    const live = "it may hold the passphrase that opens the vault now";
    super({ taken: () => exists(path, target), live, dead: "the passphrase in it opens nothing" }, output);
    this.#path = path;
  }

  /**
   * @param target for the hint
   * @throws InputError the file exists already, or cannot be created
   */
  static async at(path: string, target: Target, output: Output): Promise<PassphraseFile> {
    if (await isTaken(path, "passphrase")) throw exists(path, target);
    return new PassphraseFile(path, target, output);
  }

  /** Without a line end, because many secret stores take a file's bytes as they are. */
  override prepare(passphrase: Secret): Promise<void> {
    return this.write(this.#path, passphrase.expose());
  }
}

function exists(path: string, target: Target): InputError {
  const check = `vsync audit verify ${vaultFlags(target)} --passphrase-file=${path}`;
  return new InputError(`${path} exists already: a rotation that was interrupted may have left it`, {
    hint: `if ${check} accepts it, it is the new passphrase; else move it away and run this again`,
  });
}
