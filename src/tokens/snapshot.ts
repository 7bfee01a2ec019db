import type { VerifySnapshot } from "./access/verify.ts";
import type { GatewayKey } from "./backends/gateway-key.ts";
import type { BackendSettings } from "./backends/settings.ts";
import type { Claims } from "./claims.ts";

/** A private key that a gateway signs with. */
export interface GatewaySigner {
  readonly kid: string;
  /** The Ed25519 private key, 32 bytes. */
  readonly privateKey: Uint8Array;
}

/** What one generation tells the holder of a scoped token beside its secrets. The same object as long as nothing changes. */
export interface TokenSnapshot {
  /** The vault's id. */
  readonly vault: string;
  readonly gen: number;
  readonly claims: Claims;
  /** Public halves; empty for a token that verifies no requests. */
  readonly gatewayKeys: readonly GatewayKey[];
  /** Private halves; empty for a token that is not a gateway's. */
  readonly signers: readonly GatewaySigner[];
  /** What of the vault's backends, routes and meters concerns the token; null if the vault has none. */
  readonly settings: BackendSettings | null;
  /** Base64 of the X25519 public key that usage is sealed to. */
  readonly usageKey?: string | undefined;
  /** The vault's tokens; null for a token that may not verify others. */
  readonly verify: VerifySnapshot | null;
}

/** An opened vault whose scoped token is asked again. */
export interface TokenSource {
  /** What the vault said when it was opened, without a request and without `verify`; null without such an answer. */
  readonly openedToken: TokenSnapshot | null;
  /** Asks the store for the newest generation, every time it is called. It rejects if it has no answer that is authentic. */
  readToken(): Promise<TokenSnapshot>;
}
