import { decodeCheckedBase64 as decode } from "../../crypto/base64.ts";
import { openBox } from "../../crypto/box.ts";
import { Secret } from "../../crypto/secret.ts";
import { deriveBoxKey, deriveIndexKey, deriveRootKey, hkdf, itemKeysOf, withKey } from "../../crypto/subkeys.ts";
import type { GatewayKey } from "../../tokens/backends/gateway-key.ts";
import { type BackendSettings, backendSettingsIn } from "../../tokens/backends/settings.ts";
import type { Claims } from "../../tokens/claims.ts";
import { aadOf, type BundleHeader, refuseBundle } from "../format/bundle-header.ts";
import { type ListedItem, parseIndex, parseView, type ViewedItem } from "../format/listing.ts";
import type { TokenPayload } from "../format/tokens/slot.ts";

/** The keys that a slot gives its holder: to all or some of the items, and for an operator also the key to write. */
export interface BundleKeys extends Disposable {
  /** Opens the vault's signing key; null for a holder that only reads. */
  readonly operatorKey: Secret | null;
  /** What the slot says about the scoped token that opened it; null for another holder. */
  readonly token: SlotContents | null;
  /**
   * The items that these keys open, in the order of the index.
   *
   * @throws BundleCorruptError the index or view does not open or has the wrong form
   */
  list(header: BundleHeader): readonly ListedItem[];
  /** The key of a listed item's box, 32 bytes, which the caller zeroes. */
  itemKey(item: ListedItem): Uint8Array;
  /**
   * The key of the box `verify`, 32 bytes, which the caller zeroes; null for a holder that may not verify others'
   * tokens.
   */
  verifyKey(): Uint8Array | null;
  /**
   * A key for the holder's own use, 32 bytes, the same for everyone who may read the same items. The caller zeroes it.
   */
  derive(info: string): Uint8Array;
}

/** What a scoped token's slot tells its holder. */
export interface SlotContents {
  readonly claims: Claims;
  /** Public halves that verify what a gateway signs. Empty for a token without that capability. */
  readonly gatewayKeys: readonly GatewayKey[];
  /** Private halves that it signs with as the gateway, 32 bytes each, zeroed with the keys. */
  readonly signers: readonly { readonly kid: string; readonly seed: Secret }[];
  /** Base64 of the X25519 public key that it seals usage to. */
  readonly usageKey?: string | undefined;
  /** The part of the vault's backends, routes and meters that concerns this token. */
  readonly settings: BackendSettings | null;
}

/** Keys to everything that the bundle holds and, with `operatorKey`, the key to write. */
export class RootKeys implements BundleKeys {
  readonly rootKey: Secret;
  readonly operatorKey: Secret | null;
  readonly token: SlotContents | null;
  readonly #verifyKey: Secret | null;
  #itemKeys: ((itemId: string) => Uint8Array) | null = null;

  private constructor(
    rootKey: Secret,
    operatorKey: Secret | null,
    token: SlotContents | null,
    verifyKey: Secret | null,
  ) {
    this.rootKey = rootKey;
    this.operatorKey = operatorKey;
    this.token = token;
    this.#verifyKey = verifyKey;
  }

  /**
   * @param operatorKey the 32 bytes of `O` (`docs/format.md` §4), which the keys take over
   */
  static ofOperator(operatorKey: Uint8Array): RootKeys {
    return new RootKeys(Secret.ofBytes(deriveRootKey(operatorKey)), Secret.ofBytes(operatorKey), null, null);
  }

  /**
   * @param rootKey the 32 bytes of `R` (`docs/format.md` §4), which the keys take over
   */
  static ofReader(rootKey: Uint8Array, given?: TokenKeys): RootKeys {
    return new RootKeys(Secret.ofBytes(rootKey), null, given?.token ?? null, given?.verifyKey ?? null);
  }

  verifyKey(): Uint8Array | null {
    if (this.operatorKey !== null) return deriveBoxKey(this.operatorKey.expose(), "verify");
    return copyOf(this.#verifyKey);
  }

  list(header: BundleHeader): readonly ListedItem[] {
    const plaintext = withKey(deriveIndexKey(this.rootKey.expose()), (key) =>
      openBox(key, aadOf(header, "index"), decode(header.index), "the bundle's index"),
    );
    return parseIndex(plaintext, header);
  }

  itemKey({ id }: ListedItem): Uint8Array {
    this.#itemKeys ??= itemKeysOf(this.rootKey.expose());
    return this.#itemKeys(id);
  }

  derive(info: string): Uint8Array {
    return hkdf(this.rootKey.expose(), info);
  }

  [Symbol.dispose](): void {
    for (const key of [this.rootKey, this.operatorKey, this.#verifyKey]) key?.destroy();
    this.#itemKeys = null;
    forget(this.token);
  }
}

/** What a scoped token's slot gives besides the keys to items. */
interface TokenKeys {
  readonly token: SlotContents;
  readonly verifyKey: Secret | null;
}

/** Keys to the items of one view. */
class ViewKeys implements BundleKeys {
  readonly operatorKey = null;
  readonly token: SlotContents;
  readonly #id: string;
  readonly #key: Secret;
  readonly #verifyKey: Secret | null;

  constructor({ id, key }: { readonly id: string; readonly key: Secret }, { token, verifyKey }: TokenKeys) {
    this.#id = id;
    this.#key = key;
    this.token = token;
    this.#verifyKey = verifyKey;
  }

  verifyKey(): Uint8Array | null {
    return copyOf(this.#verifyKey);
  }

  list(header: BundleHeader): readonly ViewedItem[] {
    const view = header.views?.find(({ id }) => id === this.#id);
    if (view === undefined) throw refuseBundle("does not have the view that the token's slot names");
    const aad = aadOf(header, `view|${view.id}`);
    return parseView(openBox(this.#key.expose(), aad, decode(view.box), "the token's view"), header);
  }

  itemKey(item: ListedItem): Uint8Array {
    return decode((item as ViewedItem).key);
  }

  derive(info: string): Uint8Array {
    return hkdf(this.#key.expose(), info);
  }

  [Symbol.dispose](): void {
    for (const key of [this.#key, this.#verifyKey]) key?.destroy();
    forget(this.token);
  }
}

/** `slice` of a Buffer would share the bytes. */
function copyOf(key: Secret | null): Uint8Array | null {
  return key === null ? null : Uint8Array.from(key.expose());
}

function forget(token: SlotContents | null): void {
  for (const { seed } of token?.signers ?? []) seed.destroy();
}

function contentsOf({ claims, gateway_keys = [], gateway_key = {}, usage_key, settings }: TokenPayload): SlotContents {
  const signers = Object.entries(gateway_key).map(([kid, seed]) => ({ kid, seed: Secret.ofBytes(decode(seed)) }));
  return { claims, gatewayKeys: gateway_keys, signers, usageKey: usage_key, settings: backendSettingsIn(settings) };
}

/** The keys in a scoped token's slot. */
export function keysOf(payload: TokenPayload): BundleKeys {
  const { root, view, verify_key } = payload;
  const more = {
    token: contentsOf(payload),
    verifyKey: verify_key === undefined ? null : Secret.ofBytes(decode(verify_key)),
  };
  if (view !== undefined) return new ViewKeys({ id: view.id, key: Secret.ofBytes(decode(view.key)) }, more);
  if (root === undefined) throw new TypeError("a slot gives a root or a view");
  return RootKeys.ofReader(decode(root), more);
}
