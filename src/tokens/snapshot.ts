import type { VerifySnapshot } from "./access/verify.ts";
import type { GatewayKey } from "./backends/gateway-key.ts";
import type { BackendSettings } from "./backends/settings.ts";
import type { Claims } from "./claims.ts";

/** A private key of a gateway. */
export interface GatewaySigner {
  readonly kid: string;
  /** The Ed25519 private key, 32 bytes. */
  readonly privateKey: Uint8Array;
}

/**
 * What one generation tells the holder of a scoped token besides the secrets. Stays the same object until something
 * changes.
 */
export interface TokenSnapshot {
  /** The vault's id. */
  readonly vault: string;
  readonly gen: number;
  readonly claims: Claims;
  /** Public halves; empty for a token that does not verify requests. */
  readonly gatewayKeys: readonly GatewayKey[];
  /** Private halves; empty unless the token is a gateway's. */
  readonly signers: readonly GatewaySigner[];
  /** The part of the vault's backends, routes and meters that concerns the token; null if the vault has none. */
  readonly settings: BackendSettings | null;
  /** Base64 of the X25519 public key that usage is sealed to. */
  readonly usageKey?: string | undefined;
  /** The vault's tokens; null for a token that may not verify others. */
  readonly verify: VerifySnapshot | null;
}

/** An open vault whose scoped token can be looked up again. */
export interface TokenSource {
  /** What the vault said when it was opened, without a request and without `verify`; null if that is not known. */
  readonly openedToken: TokenSnapshot | null;
  /** Reads the newest generation from the store at every call. Rejects if it gets no authentic response. */
  readToken(): Promise<TokenSnapshot>;
}
