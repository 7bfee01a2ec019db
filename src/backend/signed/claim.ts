/** What a gateway signs of a request, in any profile. */
export interface RequestToSign {
  readonly method: string;
  /** The path with its query, as it goes on the wire. */
  readonly target: string;
  /** The headers as on the wire, or null if absent. */
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  /** Lower-case hex SHA-256 of the raw bytes; null for a route whose body is not signed. */
  readonly bodyHash: string | null;
  /** 128 random bits, base64url: the nonce. */
  readonly requestId: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Seconds since the epoch. Profile `x-fs` has its own window. */
  readonly expires: number;
  readonly vault: string;
  readonly backend: string;
  /** Empty if the gateway knows no route. */
  readonly routeId: string;
  /** Only for profile `x-fs`: the version of the settings that the gateway used. */
  readonly policyVersion: string;
  /** The header that carries the context, or null. */
  readonly context: string | null;
}

/** A gateway's private key. Reuse the object, because its import is cached by identity. */
export interface SigningKey {
  readonly kid: string;
  /** The Ed25519 seed, 32 bytes. */
  readonly privateKey: Uint8Array;
}

/** What the headers of a request claim, unverified. */
export interface Claim {
  readonly keyId: string;
  readonly requestId: string;
  readonly vault: string;
  readonly backend: string;
  readonly routeId: string;
  readonly policyVersion: string;
  /** The hash that the body must have, in hex. */
  readonly bodyHash: string;
  /** Whether the gateway hashed no body, which is right only for a route whose body is unsigned. */
  readonly unsignedBody: boolean;
  /** The header that carries the context, or null. */
  readonly context: string | null;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /**
   * The text that the signature must cover for this request.
   *
   * @throws VerificationError bad_signature: it covers something else
   */
  signedText(method: string, target: string): string;
  /** @throws VerificationError expired_signature, clock_skew */
  requireWindow(atMs: number, maxAgeSeconds: number): void;
  /** When the window starts to refuse the request, so its nonce may be forgotten. Milliseconds since the epoch. */
  untilMs(maxAgeSeconds: number): number;
}
