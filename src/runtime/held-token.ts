import type { RuntimeToken } from "../blob/token.ts";
import { Secret } from "../crypto/secret.ts";
import { TokenRefusedError } from "../errors.ts";
import type { ObjectStore, Version } from "../ports.ts";
import { systemClock } from "../stores/open-store.ts";
import { expectationOf, holderOf, type Opening } from "../stores/token.ts";
import type { AccessTokenOptions } from "../tokens/access/mint.ts";
import type { TokenSnapshot } from "../tokens/snapshot.ts";
import { MAX_MANIFEST_BYTES } from "../vault/format/limits.ts";
import { MANIFEST_KEY } from "../vault/format/object-keys.ts";
import type { OpenedUsage, UsageOptions } from "./usage/open-usage.ts";

/** The request for an access token. Its lifetime is 1…604800 seconds. */
export type AccessTokenRequest = Omit<AccessTokenOptions, "clock">;

/** The scoped token that opened a vault. */
export interface OpenedToken {
  /** `tok_…` */
  readonly id: string;
  /** Its name, as operators gave it. */
  readonly name?: string;
  readonly kind: "live" | "test";
  readonly capabilities: readonly string[];
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ`; absent if it does not expire. */
  readonly expiresAt?: string;
}

export function openedTokenOf({ claims: { id, name, kind, capabilities, not_after } }: TokenSnapshot): OpenedToken {
  const end = not_after === undefined ? {} : { expiresAt: not_after };
  return { id, ...(name === undefined ? {} : { name }), kind, capabilities: [...capabilities], ...end };
}

/** What was read when the vault was opened. */
interface OpenedContents {
  readonly vault: string;
  readonly generation: number;
  readonly token: TokenSnapshot | null;
}

/** The scoped token behind an open handle: it signs access tokens, and may verify those of others. */
export class HeldToken implements Disposable {
  readonly #credential: Secret;
  readonly #token: RuntimeToken;
  readonly #store: ObjectStore;
  #read: { readonly version: Version; readonly snapshot: TokenSnapshot } | null = null;

  /** @param credential the handle keeps a copy */
  constructor(credential: Secret, token: RuntimeToken, store: ObjectStore) {
    this.#credential = Secret.ofBytes(Uint8Array.from(credential.expose()));
    this.#token = token;
    this.#store = store;
  }

  /** @throws InputError, GrantInvalidError as `createClientCredentialsToken` */
  async sign(vault: string, request: AccessTokenRequest): Promise<{ token: string; expiresAt: Date }> {
    // Loaded only here and below, because most apps never use it.
    const { mintAccessToken } = await import("../tokens/access/mint.ts");
    const { deriveCredentialKeys, parseCredential } = await import("../tokens/credential.ts");
    using credential = parseCredential(this.#credential.exposeText());
    using keys = await deriveCredentialKeys(credential);
    const signer = { vault, id: keys.id, signingKey: keys.signingKey.expose() };
    return mintAccessToken(signer, { ...request, clock: systemClock });
  }

  /**
   * What the newest generation says about the token. Each call asks the store, with a single request if nothing has
   * changed.
   *
   * @throws what opening throws
   */
  async readToken(minGen: number): Promise<TokenSnapshot> {
    const known = this.#read;
    const stored = await this.#store.get(MANIFEST_KEY, { maxBytes: MAX_MANIFEST_BYTES, unless: known?.version });
    if (known !== null && stored?.version === known.version) return known.snapshot;
    const { readTokenSnapshot } = await import("../vault/tokens/read.ts");
    const opening: Opening = { kind: "credential", secret: this.#credential };
    using holder = await holderOf(this.#token, opening);
    const floor = Math.max(minGen, known?.snapshot.gen ?? 0);
    const ports = { store: this.#store, clock: systemClock };
    const request = { holder, expect: { ...expectationOf(this.#token), minGen: floor }, stored: stored ?? undefined };
    const snapshot = await readTokenSnapshot(ports, request);
    // If another commit came in between, this is the version before it, and the next call fetches again.
    if (stored !== null) this.#read = { version: stored.version, snapshot };
    return snapshot;
  }

  /** Records usage in the token's name, sealed to the vault's newest usage key. */
  async openUsage({ vault, generation, token }: OpenedContents, options: UsageOptions): Promise<OpenedUsage> {
    const { openUsage } = await import("./usage/open-usage.ts");
    let last = token?.usageKey;
    const usageKey = async () => {
      try {
        last = (await this.readToken(generation)).usageKey;
      } catch (error) {
        // After a rotation, usage still waiting here counts for one more hour, and only this process can send it.
        if (!(error instanceof TokenRefusedError)) throw error;
      }
      return last;
    };
    return openUsage(vault, this.#credential, this.#store, usageKey, options);
  }

  [Symbol.dispose](): void {
    this.#credential.destroy();
  }
}
