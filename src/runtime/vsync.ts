import { inspect } from "node:util";
import { Secret } from "../crypto/secret.ts";
import { ConfigMissingError, InputError } from "../errors.ts";
import type { Item } from "../vault/format/item.ts";
import { type Contents, zeroContents } from "./contents.ts";
import { withDeadline } from "./deadline.ts";
import { variableOf } from "./inputs.ts";
import { openContents } from "./open-contents.ts";
import { checkOptions, type Environment, type OpenOptions, timeoutOf, warnThrough } from "./options.ts";
import { PrivateFiles } from "./private-files.ts";

/** Where a value comes from. */
export type ValueSource = "vault" | "env" | "default" | "missing";

type Found =
  | { readonly source: "vault"; readonly item: Item }
  | { readonly source: "env" | "default"; readonly text: string }
  | { readonly source: "missing"; readonly text: undefined };

/**
 * A vault at one generation, decrypted in memory. It prints as `[vsync gen=4 env=prod]`, whichever way it is printed.
 *
 *     await using vault = await Vsync.open();
 *     const url = vault.require("DATABASE_URL");
 */
export class Vsync implements AsyncDisposable {
  readonly #contents: Contents;
  readonly #env: Environment;
  readonly #defaults: Environment;
  readonly #files = new PrivateFiles();
  #isClosed = false;

  private constructor(contents: Contents, env: Environment, defaults: Environment) {
    this.#contents = contents;
    this.#env = env;
    this.#defaults = defaults;
  }

  /**
   * Opens the vault that `VSYNC_CONFIG` and `VSYNC_PASSPHRASE` name (each also as `…_FILE`, the path of a file, which
   * wins). Sends two requests to the store, the second while the key is derived. If it rejects early, at most
   * the one key derivation that had begun goes on.
   *
   * It opens the vault or throws: environment and defaults stand in for names that an open vault lacks, never for the vault.
   * `docs/library.md` has all of it with examples, `docs/format.md` §5 which failure is which error.
   *
   * @throws ConfigMissingError token or passphrase is unset or empty, or its file is refused or unreadable
   * @throws ConfigUnsupportedVersionError, ConfigInvalidError the token
   * @throws S3UnreachableError, AccessDeniedError, ManifestNotFoundError the store; also when `timeoutMs` is over
   * @throws WrongPassphraseError, PassphraseRetiredError the passphrase
   * @throws NotAuthenticError, RollbackError, BundleCorruptError, UnsupportedSpecVersionError what the store holds
   * @throws InputError an option is not what its type says
   * @throws the reason of `signal`, once it is aborted
   */
  static async open(options: OpenOptions = {}): Promise<Vsync> {
    checkOptions(options);
    const { env = process.env, defaults = {}, logger } = options;
    const limits = { timeoutMs: timeoutOf(options), signal: options.signal };
    const work = (signal: AbortSignal) => openContents(options, env, warnThrough(logger), signal);
    const vault = new Vsync(await withDeadline(limits, work, zeroContents), env, { ...defaults });
    logger?.debug?.({ gen: vault.generation, env: vault.env }, `vsync: opened ${vault.toString()}`);
    return vault;
  }

  /** The vault's generation: it grows by one with every change. Known after `close`, too. */
  get generation(): number {
    return this.#contents.generation;
  }

  /** The environment that the vault is of, such as `prod`. Known after `close`, too. */
  get env(): string {
    return this.#contents.env;
  }

  /**
   * How long ago the store gave what this handle holds, in milliseconds: 0, unless the store could not be reached and the
   * `cache` stood in.
   */
  get ageMs(): number {
    return this.#contents.ageMs;
  }

  /**
   * A secret's text: from the vault, else from the environment as it is now, else from `defaults`, else undefined.
   *
   * @throws InputError the name is that of a file, or the vault is closed
   */
  get(name: string): string | undefined {
    const found = this.#find(name);
    if (found.source !== "vault") return found.text;
    if (found.item.kind === "secret") return found.item.data.exposeText();
    throw new InputError(`${JSON.stringify(name)} is a file of the vault, not a secret`, {
      hint: "use bytes(name) for what it holds, or path(name) for a file of it on this machine",
    });
  }

  /**
   * As `get`, for what the app cannot do without.
   *
   * @throws ConfigMissingError the name is nowhere
   * @throws InputError the name is that of a file, or the vault is closed
   */
  require(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw this.#missing(name);
    return value;
  }

  /**
   * Whether `source` is anything but `missing`.
   *
   * @throws InputError the vault is closed
   */
  has(name: string): boolean {
    return this.source(name) !== "missing";
  }

  /**
   * Where the value of a name comes from, now.
   *
   * @throws InputError the vault is closed
   */
  source(name: string): ValueSource {
    return this.#find(name).source;
  }

  /**
   * What a secret or a file holds, as a copy of the caller's own; looked up as `get` does, text as UTF-8.
   *
   * @throws InputError the vault is closed
   */
  bytes(name: string): Uint8Array | undefined {
    const found = this.#find(name);
    if (found.source === "missing") return undefined;
    return found.source === "vault" ? Uint8Array.from(found.item.data.expose()) : Secret.ofText(found.text).expose();
  }

  /**
   * The path of a file, mode 0600, that holds what `bytes` gave when the path was first asked for. It lies in a folder
   * that only this user may enter, in memory (tmpfs) where the machine has that. `close` removes it, and so does the
   * exit of the process. A process that is killed, or a worker thread that is terminated, leaves it behind: the next
   * handle of this user that is asked for a path removes it.
   *
   * @throws ConfigMissingError the name is nowhere
   * @throws AccessDeniedError, S3UnreachableError naming the path: there is no fit folder, or it is full
   * @throws InputError the vault is closed
   */
  async path(name: string): Promise<string> {
    const bytes = this.bytes(name);
    if (bytes === undefined) throw this.#missing(name);
    return this.#files.path(name, bytes);
  }

  /**
   * The names of the vault's secrets, in its order; those of the environment and of the defaults are not among them.
   *
   * @throws InputError the vault is closed
   */
  keys(): string[] {
    return this.#names("secret");
  }

  /**
   * The names of the vault's files, in its order.
   *
   * @throws InputError the vault is closed
   */
  files(): string[] {
    return this.#names("file");
  }

  /** Zeroes what was decrypted and removes the files that `path` wrote. Idempotent. Every later look-up throws. */
  async close(): Promise<void> {
    zeroContents(this.#contents);
    this.#isClosed = true;
    await this.#files.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  toString(): string {
    return `[vsync gen=${this.generation} env=${this.env}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** @internal In the published types it would make every user install those of Node.js. */
  [inspect.custom](): string {
    return this.toString();
  }

  #find(name: string): Found {
    const items = this.#openItems();
    const item = items.get(name);
    if (item !== undefined) return { source: "vault", item };
    const variable = variableOf(this.#env, name);
    if (variable !== undefined) return { source: "env", text: variable };
    const text = variableOf(this.#defaults, name);
    return text === undefined ? { source: "missing", text } : { source: "default", text };
  }

  #names(kind: Item["kind"]): string[] {
    const items = [...this.#openItems().values()];
    return items.filter((item) => item.kind === kind).map((item) => item.name);
  }

  #openItems(): Contents["items"] {
    if (this.#isClosed)
      throw new InputError(`${this.toString()} is closed`, { hint: "read what the app needs before close()" });
    return this.#contents.items;
  }

  #missing(name: string): ConfigMissingError {
    return new ConfigMissingError(`${JSON.stringify(name)} is neither in ${this.toString()} nor in the environment`, {
      hint: `add it with \`vsync set ${this.env} ${name}\` and boot again, or set it as an environment variable`,
    });
  }
}
