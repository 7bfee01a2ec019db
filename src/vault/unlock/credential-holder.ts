import { decodeCheckedBase64 as decode, encodeBase64 } from "../../crypto/base64.ts";
import { sha256 } from "../../crypto/digest.ts";
import { Secret } from "../../crypto/secret.ts";
import { openTokenSlot } from "../../crypto/slot.ts";
import {
  ConfigInvalidError,
  ConfigMissingError,
  InputError,
  NotAuthenticError,
  TokenExpiredError,
  TokenRevokedError,
  TokenUnknownError,
} from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import { readCredentialText, type TokenKind } from "../../tokens/credential-form.ts";
import { aadOf, type BundleHeader, refuseBundle } from "../format/bundle-header.ts";
import type { Manifest } from "../format/manifest.ts";
import { type Cert, isGenuineCert } from "../format/tokens/anchors.ts";
import { parseTokenPayload, type TokenPayload, type TokenSlot, tokenSlotOf } from "../format/tokens/slot.ts";
import { type BundleKeys, keysOf } from "./bundle-keys.ts";
import { deriveReadingKeys, type ReadingKeys } from "./credential-keys.ts";
import type { KeyHolder, Unlocked, UnlockOptions } from "./key-holder.ts";

const ASK = "ask an operator of the vault for another: `vsync tokens list` shows what became of it";

/**
 * Opens a vault with the credential of one scoped token, and the anchor that `VSYNC_CONFIG` pins. It reads what the
 * token was granted.
 */
export class CredentialHolder implements KeyHolder {
  readonly #kind: TokenKind;
  readonly #seed: Secret;
  readonly #anchor: string;
  #keys: ReadingKeys | undefined;

  /**
   * @param credential `vsrt_…`; the holder keeps a copy
   * @param anchor base64 of 32 bytes, if `VSYNC_CONFIG` pins one
   * @throws ConfigMissingError the credential is empty
   * @throws ConfigInvalidError the text is not a credential, or `VSYNC_CONFIG` pins no anchor
   */
  constructor(credential: Secret, anchor: string | undefined) {
    if (credential.expose().length === 0) {
      throw new ConfigMissingError("VSYNC_TOKEN is empty", {
        hint: "set it to what `vsync tokens create` prints, or unset it to open with the passphrase",
      });
    }
    const { kind, seed } = readCredentialText(credential.exposeText(), sha256);
    this.#kind = kind;
    this.#seed = Secret.ofBytes(seed);
    if (anchor === undefined) {
      this.#seed.destroy();
      throw new ConfigInvalidError("invalid VSYNC_CONFIG: anchor is missing, and a scoped token needs it", {
        hint: "on the machine that mints VSYNC_CONFIG, run `vsync tokens list <env>`, which learns the anchor, then `vsync runtime-token --env=<env>` again",
      });
    }
    this.#anchor = anchor;
  }

  prepare(): void {}

  async agent(): Promise<string> {
    return `vsync-token/${this.#derive().id}`;
  }

  async unlock(manifest: Manifest, { clock }: UnlockOptions): Promise<Unlocked> {
    this.#requireCert(manifest, clock);
    return new UnlockedByCredential(this.#derive(), this.#kind, clock);
  }

  async openOlderSlot(): Promise<BundleKeys> {
    throw new InputError("a token can only read the newest generation", {
      hint: "an operator can read older ones with the passphrase of that time",
    });
  }

  [Symbol.dispose](): void {
    this.#seed.destroy();
    this.#keys?.[Symbol.dispose]();
  }

  #derive(): ReadingKeys {
    this.#keys ??= deriveReadingKeys(this.#seed);
    return this.#keys;
  }

  /**
   * The cert proves the signer, because holders of other tokens and of former passphrases cannot sign with the anchor.
   */
  #requireCert(manifest: Manifest, clock: Clock): void {
    const cert = manifest.certs?.find(({ anchor }) => anchor === this.#anchor);
    if (cert === undefined || hasEnded(cert, clock)) {
      const fault = cert === undefined ? "has no cert by the anchor" : "has an expired cert by the anchor";
      throw new NotAuthenticError(`the manifest ${fault} that VSYNC_CONFIG pins`, {
        hint: "if the passphrase was rotated with --leaked, set the VSYNC_CONFIG that `vsync runtime-token` mints since then; otherwise check who can write to the bucket",
      });
    }
    if (isGenuineCert(cert, manifest)) return;
    throw new NotAuthenticError("the manifest's signer is not certified by the anchor that VSYNC_CONFIG pins", {
      hint: "someone who is not an operator wrote this manifest: do not use it; check who can write to the bucket",
    });
  }
}

function hasEnded({ not_after }: Cert, clock: Clock): boolean {
  return not_after !== undefined && clock.nowMs() >= Date.parse(not_after);
}

class UnlockedByCredential implements Unlocked {
  readonly slot: string;
  readonly opener: string;
  /** Only the slot says when the token ends. */
  readonly until = null;
  readonly #keys: ReadingKeys;
  readonly #kind: TokenKind;
  readonly #clock: Clock;

  constructor(keys: ReadingKeys, kind: TokenKind, clock: Clock) {
    this.slot = keys.id;
    this.opener = encodeBase64(keys.recipient);
    this.#keys = keys;
    this.#kind = kind;
    this.#clock = clock;
  }

  requireCurrent(): void {}

  requireWriter(): void {
    throw new InputError("a token can only read", {
      hint: "writing takes the passphrase: give it as VSYNC_PASSPHRASE or at the prompt",
    });
  }

  async openSlot(header: BundleHeader): Promise<BundleKeys> {
    const slot = tokenSlotOf(header, this.slot);
    if (slot === null) throw new TokenUnknownError(`${this.slot} is unknown, or ended long ago`, { hint: ASK });
    if (slot.seals === "X") throw ended(slot);
    const payload = await this.#openPayload(header, slot);
    const { not_after } = payload.claims;
    if (not_after === undefined || this.#clock.nowMs() < Date.parse(not_after)) return keysOf(payload);
    throw new TokenExpiredError(`${this.slot} expired ${not_after}`, { hint: ASK });
  }

  async #openPayload(header: BundleHeader, { id, enc, ct }: TokenSlot): Promise<TokenPayload> {
    const what = `slot ${id} of generation ${header.gen}`;
    const sealed = { enc: decode(enc), ct: decode(ct) };
    const plaintext = await openTokenSlot(this.#keys.privateKey.expose(), aadOf(header, id), sealed, what);
    const payload = parseTokenPayload(plaintext, what);
    plaintext.fill(0);
    const { claims } = payload;
    if (claims.id !== id || claims.kind !== this.#kind)
      throw refuseBundle(`has a ${what} with the claims of another token`);
    return payload;
  }
}

function ended(tombstone: { readonly id: string } & ({ revoked_at: string } | { expired_at: string })): Error {
  if ("revoked_at" in tombstone) {
    return new TokenRevokedError(`${tombstone.id} was revoked ${tombstone.revoked_at}`, { hint: ASK });
  }
  return new TokenExpiredError(`${tombstone.id} expired ${tombstone.expired_at}`, { hint: ASK });
}
