import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { lookForNewFile, NewFiles } from "../delivery/new-files.ts";
import type { Output } from "../terminal/output.ts";

/** Writes the passphrase to a new file before the first write to the store. */
export class PassphraseFile extends NewFiles<Secret> {
  readonly #path: string;

  private constructor(path: string, env: string, output: Output) {
    const live = "it may hold the passphrase that opens the vault now";
    super({ taken: () => exists(path, env), live, dead: "the passphrase in it opens nothing" }, output);
    this.#path = path;
  }

  /**
   * @param env for the hint
   * @throws InputError the file exists already, or cannot be created
   */
  static async at(path: string, env: string, output: Output): Promise<PassphraseFile> {
    if ((await lookForNewFile(path, "passphrase")) !== null) throw exists(path, env);
    return new PassphraseFile(path, env, output);
  }

  /** Without a line end, because many secret stores take a file's bytes as they are. */
  override prepare(passphrase: Secret): Promise<void> {
    return this.write(this.#path, passphrase.expose());
  }
}

function exists(path: string, env: string): InputError {
  const check = `vsync audit verify --env=${env} --passphrase-file=${path}`;
  return new InputError(`${path} exists already: a rotation that was interrupted may have left it`, {
    hint: `if ${check} accepts it, it is the new passphrase; else move it away and run this again`,
  });
}
