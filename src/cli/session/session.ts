import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { systemClock, systemRandom } from "../../stores/open-store.ts";
import { floorOf } from "../../vault/audit/floor.ts";
import type { CommitPorts } from "../../vault/commit/commit.ts";
import type { Annotation } from "../../vault/commit/draft.ts";
import type { AmendRequest } from "../../vault/commit/proposal.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { VaultIdentity } from "../../vault/items/push.ts";
import { hintOf, hintOfOpener, type KeptKey, type PassphraseHolder } from "../../vault/unlock/passphrase-holder.ts";
import { holderOf, type KnownVault, knownVaultOf, type SeenHistory } from "../config/known-vault.ts";
import { type LocalConfig, rememberSeen, type Warn } from "../config/local-config.ts";
import type { TargetInput } from "../config/target.ts";
import { findKept } from "../inputs/kept-key.ts";
import { type MetaPair, metaOf } from "../inputs/meta-flag.ts";
import {
  askPassphrase,
  isSetIn,
  type OpeningPassphrase,
  PASSPHRASE,
  readFitSecret,
  type SecretInput,
  type SecretSources,
} from "../inputs/secret-input.ts";
import { hasCredential } from "../inputs/token-input.ts";
import type { Use } from "../project/which-vault.ts";
import { currentActor } from "./actor.ts";
import { configOf } from "./config.ts";
import { openStore } from "./store.ts";

/** The input of a command with `VAULT_FLAGS` and `PASSPHRASE_FLAG`. */
export interface SessionInput extends TargetInput {
  readonly flags: TargetInput["flags"] & {
    readonly "passphrase-file"?: string | undefined;
    readonly note?: string | undefined;
    readonly meta?: readonly MetaPair[] | undefined;
  };
}

/**
 * A vault that this machine has a config for: its store, and what every use-case needs. Disposing of it zeroes the
 * passphrase.
 */
export class Session implements Disposable {
  readonly config: LocalConfig;
  readonly ports: CommitPorts;
  readonly request: AmendRequest & { readonly holder: PassphraseHolder; readonly expect: KnownVault };
  readonly #passphrase: Secret | KeptKey;
  readonly #warn: Warn;

  constructor(
    { config, ports, request }: Pick<Session, "config" | "ports" | "request">,
    passphrase: Secret | KeptKey,
    warn: Warn,
  ) {
    this.config = config;
    this.ports = ports;
    this.request = request;
    this.#passphrase = passphrase;
    this.#warn = warn;
  }

  /** The identity of a vault that may not exist yet, for its first push. */
  get identity(): VaultIdentity {
    const { vault, repo, env, seenGen } = this.config;
    return { vault, repo, env, seenGen, history: this.request.expect.history };
  }

  /** See `rememberManifest`. Does nothing without a manifest, as after a commit that wrote nothing. */
  async remember(manifest: Manifest | undefined): Promise<void> {
    if (manifest !== undefined) await rememberManifest(this.config, this.request.expect.history, manifest, this.#warn);
  }

  [Symbol.dispose](): void {
    this.request.holder[Symbol.dispose]();
    if (!("forget" in this.#passphrase)) this.#passphrase.destroy();
  }
}

/**
 * Reads the config before the passphrase, so nobody types one for a vault that this machine does not know.
 *
 * @throws LocalConfigMissingError the config is missing or unusable
 * @throws InputError no env or no passphrase
 */
export async function openSession(
  input: SessionInput,
  sources: SecretSources,
  use: Use = { use: "write" },
): Promise<Session> {
  const config = await configOf(input, sources, use);
  if (use.use === "write") await refuseToken(input.flags, sources);
  const mayBeKept = use.use !== "write" || use.isDaily === true;
  return sessionOn(config, input.flags, sources, PASSPHRASE, { mayBeKept });
}

/** For everyday commands that write: the key kept by `vsync unlock` may sign for them. */
export const DAILY_WRITE: Use = { use: "write", isDaily: true };

/**
 * Like `openSession`, for a config that has been read already.
 *
 * @throws InputError no passphrase, or flags that contradict each other
 */
export async function sessionOn(
  config: LocalConfig,
  flags: SessionInput["flags"],
  sources: SecretSources,
  secret: SecretInput = PASSPHRASE,
  { mayBeKept = false }: { readonly mayBeKept?: boolean } = {},
): Promise<Session> {
  const annotation = annotationOf(flags, sources);
  const how = { config, mayBeKept };
  const opening = await keyOrPassphrase({ ...secret, vault: config }, flags["passphrase-file"], how, sources);
  const passphrase = "forget" in opening ? opening : opening.secret;
  const holder = holderOf(passphrase, config, "forget" in opening ? undefined : opening.askAgain);
  try {
    // Start the key derivation now, on another thread, while the store's code is loaded and the input is read.
    holder.prepare();
    const ports = { store: await openStore(config), clock: systemClock, random: systemRandom };
    const request = { holder, expect: knownVaultOf(config), annotation };
    return new Session({ config, ports, request }, passphrase, sources.output.warn);
  } catch (error) {
    holder[Symbol.dispose]();
    throw error;
  }
}

/** The key kept by `vsync unlock` comes before the prompt and after every other way. */
async function keyOrPassphrase(
  input: SecretInput,
  file: string | undefined,
  { config, mayBeKept }: { readonly config: LocalConfig; readonly mayBeKept: boolean },
  sources: SecretSources,
): Promise<OpeningPassphrase | KeptKey> {
  const secret = await readFitSecret(input, file, sources);
  if (secret !== null) return { secret };
  const kept = mayBeKept && config.isAtRoot ? findKept(config) : null;
  return kept ?? askPassphrase(input, sources);
}

/**
 * A user who has set a token but no passphrase would look for the fault in the token.
 *
 * @throws InputError a token is set and no passphrase is given
 */
async function refuseToken(flags: SessionInput["flags"], sources: SecretSources): Promise<void> {
  const { variables, prompter } = sources;
  const hasWay = flags["passphrase-file"] !== undefined || isSetIn(variables, PASSPHRASE);
  if (hasWay || prompter.isInteractive || !(await hasCredential(sources))) return;
  throw new InputError("a token can only read", {
    hint: "writing takes the passphrase: give it with --passphrase-file=<file>, VSYNC_PASSPHRASE_FILE or VSYNC_PASSPHRASE",
  });
}

function annotationOf({ note, meta }: SessionInput["flags"], { variables }: SecretSources): Annotation {
  return { actor: currentActor(variables), meta: metaOf(meta), ...(note === undefined ? {} : { note }) };
}

/**
 * Remembers what a manifest has shown. A passphrase raises only its own floor: somebody who knows one that was rotated
 * away can forge a manifest, with another passphrase's entry in it, for people who still use theirs. The only other
 * floor that this machine raises is that of a passphrase set by its own rotation.
 */
export async function rememberManifest(
  config: LocalConfig,
  history: SeenHistory,
  manifest: Manifest,
  warn: Warn,
): Promise<void> {
  if (config.isTransient) return;
  const { opener } = history;
  // Before the first push nobody has opened anything, so this is our own commit.
  if (opener === null && config.seenGen > 0) return;
  const isProven = opener === null || history.hasRotatedTo(manifest);
  const { cost: kdf, recipient } = isProven ? hintOf(manifest) : hintOfOpener(manifest, opener);
  const floor = floorOf(manifest);
  const holders = new Set([...(opener === null ? [] : [opener.opener]), Buffer.from(recipient).toString("base64")]);
  const floors = new Map([...holders].map((it) => [it, floor]));
  const isWriter = opener === null || opener.until === null;
  const anchor = manifest.certs?.at(-1)?.anchor;
  const writer = { gen: manifest.gen, kdf, recipient, anchor };
  await rememberSeen(config, { floors, ...(isWriter ? { writer } : {}) }, warn);
}
