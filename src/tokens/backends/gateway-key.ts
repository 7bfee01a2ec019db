/** The public half of a gateway's signing key, as in slots and the roll (docs/format.md, Gateway keys). */
export interface GatewayKey {
  readonly kid: string;
  /** Base64 of the Ed25519 public key, 32 bytes. */
  readonly public: string;
  /** When it was published. */
  readonly not_before?: string;
  readonly not_after?: string;
  /** The only backends that it may sign for; absent means all. */
  readonly backends?: readonly string[];
}

/** How long a gateway waits before it signs with a new key. By then every origin has read the vault again. */
export const SIGNS_AFTER_MS = 120_000;
