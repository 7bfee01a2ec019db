import type { Secret } from "../../crypto/secret.ts";
import type { ObjectStore, ReadOptions } from "../../ports.ts";
import { isDescendant } from "../../vault/audit/floor.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { Expectation, History, SeenVault } from "../../vault/open/expectation.ts";
import { requireNotOlder } from "../../vault/open/expectation.ts";
import type { Unlocked } from "../../vault/unlock/key-holder.ts";
import { type AskAgain, type KeptKey, PassphraseHolder } from "../../vault/unlock/passphrase-holder.ts";
import type { LocalConfig } from "./local-config.ts";

/** What this machine knows about the vault, to compare with a manifest that is not proven. */
export function seenVaultOf({ vault, env, seenGen }: LocalConfig): SeenVault {
  return { vault, env, minGen: seenGen };
}

/** What this machine requires of a manifest that a passphrase opens. */
export interface KnownVault extends Expectation {
  readonly vault: string;
  readonly history: SeenHistory;
}

export function knownVaultOf(config: LocalConfig): KnownVault {
  return { vault: config.vault, env: config.env, history: new SeenHistory(config) };
}

/** What each passphrase has opened on this machine, and which holder has opened the vault now. */
export class SeenHistory implements History {
  readonly newest: number;
  readonly #config: LocalConfig;
  #opener: Unlocked | null = null;
  #gen = 0;

  constructor(config: LocalConfig) {
    this.newest = config.seenGen;
    this.#config = config;
  }

  /** The holder whose floor to raise; null until one has opened the vault. */
  get opener(): Unlocked | null {
    return this.#opener;
  }

  /**
   * Whether this machine itself made that generation by a rotation; otherwise nobody vouches for the passphrase that it
   * sets.
   */
  hasRotatedTo({ gen, action }: Manifest): boolean {
    return this.#opener !== null && gen > this.#gen && action === "rotate";
  }

  async verify(
    store: ObjectStore,
    { manifest, unlocked }: { manifest: Manifest; unlocked: Unlocked },
    options: ReadOptions,
  ): Promise<void> {
    const { floors, recipient, seenGen } = this.#config;
    this.#gen = manifest.gen;
    const floor = floors?.get(unlocked.opener);
    if (floor === undefined) {
      // A config from before there were floors knows only the number.
      if (unlocked.opener === Buffer.from(recipient).toString("base64")) requireNotOlder(manifest, seenGen);
      this.#opener = unlocked;
    } else this.#opener = (await isDescendant(store, manifest, floor, options)) ? unlocked : null;
  }
}

/**
 * The passphrase, with this machine's hint so its derivation can start early, or a kept key. Dispose of the
 * holder.
 */
export function holderOf(
  passphrase: Secret | KeptKey,
  { kdf, recipient }: LocalConfig,
  askAgain?: AskAgain,
): PassphraseHolder {
  return new PassphraseHolder(passphrase, { cost: kdf, recipient }, askAgain);
}
