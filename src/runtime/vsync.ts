import { inspect } from "node:util";
import { Secret } from "../crypto/secret.ts";
import { ConfigMissingError, InputError } from "../errors.ts";
import type { VerifySnapshot } from "../tokens/access/verify.ts";
import type { TokenSnapshot } from "../tokens/snapshot.ts";
import type { Item } from "../vault/format/item.ts";
import { mayNotVerify } from "../vault/tokens/read.ts";
import { type HeldContents, zeroContents } from "./contents.ts";
import { withDeadline } from "./deadline.ts";
import { PrivateFiles } from "./files/private-files.ts";
import { type AccessTokenRequest, type HeldToken, type OpenedToken, openedTokenOf } from "./held-token.ts";
import { openContents } from "./open-contents.ts";
import { checkOptions, type Environment, type OpenOptions, timeoutOf, variableOf, variablesOf } from "./options.ts";
import type { OpenedUsage, UsageOptions } from "./usage/open-usage.ts";

/** Where a value comes from. */
export type ValueSource = "vault" | "env" | "default" | "missing";

type Found =
  | { readonly source: "vault"; readonly item: Item }
  | { readonly source: "env" | "default"; readonly text: string }
  | { readonly source: "missing"; readonly text: undefined };

/**
 * A vault at one generation, decrypted in memory. However you print it, it prints as `[vsync gen=4 env=prod]`.
 *
 *     await using vault = await Vsync.open();
 *     const url = vault.require("DATABASE_URL");
 */
export class Vsync implements AsyncDisposable {
  readonly #contents: HeldContents;
  readonly #variables: Environment;
  readonly #defaults: Environment;
  readonly #files = new PrivateFiles();
  #isClosed = false;

  private constructor(contents: HeldContents, variables: Environment, defaults: Environment) {
    this.#contents = contents;
    this.#variables = variables;
    this.#defaults = defaults;
  }

  /**
   * Opens the vault that `VSYNC_CONFIG` names: with the scoped token in it or in `VSYNC_TOKEN`, or else with
   * `VSYNC_PASSPHRASE`. Each may also be given as `…_FILE`, the path of a file, which takes precedence. It sends two
   * requests to the store, the second while it derives the passphrase's key. After an early rejection, at most one key
   * derivation keeps running.
   *
   * It opens the vault or throws. Environment and defaults fill in names that an open vault lacks; they never replace
   * the vault. See `docs/library.md` for examples and `docs/format.md` §5 for which failure gives which error.
   *
   * @throws ConfigMissingError token or passphrase is unset or empty, or vsync cannot or will not read its file
   * @throws ConfigUnsupportedVersionError, ConfigInvalidError the token has another version, or is malformed
   * @throws S3UnreachableError, AccessDeniedError, ManifestNotFoundError the store fails, or `timeoutMs` is over
   * @throws WrongPassphraseError, PassphraseRetiredError the passphrase does not open the vault, or no longer does
   * @throws TokenUnknownError, TokenRevokedError, TokenExpiredError the scoped token does not open the vault, or no
   * longer does
   * @throws NotAuthenticError, RollbackError, BundleCorruptError, UnsupportedSpecVersionError do not trust the vault
   * @throws InputError an option does not have its documented type
   * @throws the reason of `signal`, once it aborts
   */
  static async open(options: OpenOptions = {}): Promise<Vsync> {
    checkOptions(options);
    const { signal, defaults, logger } = options;
    const limits = { timeoutMs: timeoutOf(options), signal };
    const contents = await withDeadline(limits, (either) => openContents(options, either), zeroContents);
    const vault = new Vsync(contents, variablesOf(options), { ...defaults });
    logger?.debug?.({ gen: vault.generation, env: vault.env }, `vsync: opened ${vault.toString()}`);
    return vault;
  }

  /** The vault's generation, which grows by one with every change. Still available after `close`. */
  get generation(): number {
    return this.#contents.generation;
  }

  /** The vault's environment, such as `prod`. Still available after `close`. */
  get env(): string {
    return this.#contents.env;
  }

  /**
   * The age of this handle's data in milliseconds. It is 0 unless the store could not be reached and the data come from
   * the `cache`.
   */
  get ageMs(): number {
    return this.#contents.ageMs;
  }

  /**
   * The scoped token that opened the vault; undefined for a passphrase. Names that it may not read do not exist in this
   * handle.
   */
  get token(): OpenedToken | undefined {
    const { token } = this.#contents;
    return token === null ? undefined : openedTokenOf(token);
  }

  /**
   * A short-lived access token (JWT, RFC 7519) for another service, which verifies it with `createTokenVerifier`. The
   * scoped token that opened the vault signs it offline, and it never allows more than that token. Always name the
   * `audience`.
   *
   * @throws InputError no scoped token opened the vault, the lifetime is not 1…604800 s, or the vault is closed
   * @throws GrantInvalidError the claims are not allowed
   */
  async accessToken(request: AccessTokenRequest): Promise<{ token: string; expiresAt: Date }> {
    return this.#heldToken().sign(this.#contents.vault, request);
  }

  /**
   * What the newest generation says about the vault's tokens, for `createTokenVerifier({ vault })` of `vsync/tokens`.
   *
   * @throws InputError no scoped token opened the vault, or it is closed
   * @throws ConfigInvalidError the token lacks the permission `api.tokens.verify`
   * @throws what `open` throws for the store and the vault
   */
  async readVerify(): Promise<VerifySnapshot> {
    const { verify } = await this.readToken();
    if (verify === null) throw mayNotVerify();
    return verify;
  }

  /**
   * What the newest generation tells the scoped token that opened the vault, for `vsync/backend` and `vsync/gateway`.
   * It sends one request, and fetches the bundle again only after a change.
   *
   * @throws InputError no scoped token opened the vault, or it is closed
   * @throws what `open` throws for the store and the vault
   */
  async readToken(): Promise<TokenSnapshot> {
    return this.#heldToken().readToken(this.generation);
  }

  /**
   * Records usage, for `vsync/backend` and `vsync/gateway`.
   *
   * @throws InputError as `readToken`
   */
  async openUsage(options: UsageOptions = {}): Promise<OpenedUsage> {
    return this.#heldToken().openUsage(this.#contents, options);
  }

  /** What the vault told the token when it was opened; null for a passphrase, or if the data came from the cache. */
  get openedToken(): TokenSnapshot | null {
    return this.ageMs === 0 ? this.#contents.token : null;
  }

  /**
   * A secret's text: from the vault, else from the current environment, else from `defaults`, else undefined.
   *
   * @throws InputError the vault has a file of that name, or is closed
   */
  get(name: string): string | undefined {
    const found = this.#find(name);
    if (found.source !== "vault") return found.text;
    if (found.item.kind === "secret") return found.item.data.exposeText();
    throw new InputError(`${JSON.stringify(name)} is a file of the vault, not a secret`, {
      hint: "use bytes(name) for its content, or path(name) for a copy on this machine's disk",
    });
  }

  /**
   * Like `get`, for values that the app cannot do without.
   *
   * @throws ConfigMissingError the name is not found
   * @throws InputError the vault has a file of that name, or is closed
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
   * Where a name's value comes from at the moment.
   *
   * @throws InputError the vault is closed
   */
  source(name: string): ValueSource {
    return this.#find(name).source;
  }

  /**
   * The bytes of a secret or a file, as the caller's own copy. Looks a name up like `get`; text becomes UTF-8.
   *
   * @throws InputError the vault is closed
   */
  bytes(name: string): Uint8Array | undefined {
    const found = this.#find(name);
    if (found.source === "missing") return undefined;
    return found.source === "vault" ? new Uint8Array(found.item.data.expose()) : Secret.ofText(found.text).expose();
  }

  /**
   * Writes a file's bytes to this machine and returns its path. The file has mode 0600, and its content is fixed by the
   * first call. Its folder is accessible to this user only, and in memory (tmpfs) if the machine has that. `close` and
   * the exit of the process remove it; if the process is killed or its worker thread terminated, the next handle of
   * this user that writes a file does.
   *
   * @throws ConfigMissingError the name is not found
   * @throws AccessDeniedError, S3UnreachableError no folder is safe, or it is full; the message names the path
   * @throws InputError the vault is closed
   */
  async path(name: string): Promise<string> {
    const bytes = this.bytes(name);
    if (bytes === undefined) throw this.#missing(name);
    return this.#files.path(name, bytes);
  }

  /**
   * The names of the vault's secrets, in its order, without those from the environment and the defaults.
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

  /** Zeroes the decrypted items and removes the files that `path` wrote. Idempotent. Every later look-up throws. */
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

  /**
   * @internal In the published types it would make every user install the types of Node.js.
   */
  [inspect.custom](): string {
    return this.toString();
  }

  #find(name: string): Found {
    const items = this.#openItems();
    const item = items.get(name);
    if (item !== undefined) return { source: "vault", item };
    const variable = variableOf(this.#variables, name);
    if (variable !== undefined) return { source: "env", text: variable };
    const text = variableOf(this.#defaults, name);
    return text === undefined ? { source: "missing", text } : { source: "default", text };
  }

  #names(kind: Item["kind"]): string[] {
    const items = [...this.#openItems().values()];
    return items.filter((item) => item.kind === kind).map((item) => item.name);
  }

  #openItems(): HeldContents["items"] {
    if (this.#isClosed)
      throw new InputError(`${this.toString()} is closed`, { hint: "read everything the app needs before close()" });
    return this.#contents.items;
  }

  #heldToken(): HeldToken {
    this.#openItems();
    const { held, env } = this.#contents;
    if (held !== null) return held;
    throw new InputError(`${this.toString()} was opened with a passphrase, which can neither sign nor verify`, {
      hint: `open it with a scoped token: \`vsync tokens create ${env}\` makes one`,
    });
  }

  #missing(name: string): ConfigMissingError {
    return new ConfigMissingError(`${JSON.stringify(name)} is neither in ${this.toString()} nor in the environment`, {
      hint: `add it with \`vsync set ${this.env} ${name}\` and boot again, or set it as an environment variable`,
    });
  }
}
