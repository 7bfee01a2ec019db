/** The public half of a key that a gateway signs requests with, as slots and the roll hold it (docs/format.md, Gateway keys). */
export interface GatewayKey {
  readonly kid: string;
  /** Base64 of the Ed25519 public key, 32 bytes. */
  readonly public: string;
  /** When it was published. */
  readonly not_before?: string;
  readonly not_after?: string;
  /** The only backends that it may sign for; absent: all. */
  readonly backends?: readonly string[];
}

/** How long a gateway waits before it signs with a new key: by then every origin has asked the vault again. */
export const SIGNS_AFTER_MS = 120_000;
