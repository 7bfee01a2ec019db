/** What a gateway signs of a request, whichever profile writes it down. */
export interface RequestToSign {
  readonly method: string;
  /** The path with its query, as it goes on the wire. */
  readonly target: string;
  /** The headers as they go on the wire, or null for one that does not. */
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  /** Lower-case hex SHA-256 of the raw bytes; null for a route whose body is not signed. */
  readonly bodyHash: string | null;
  /** 128 random bits, base64url: the nonce. */
  readonly requestId: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** Seconds since 1970. Profile `x-fs` has its own window. */
  readonly expires: number;
  readonly vault: string;
  readonly backend: string;
  /** Empty if the gateway knows no route. */
  readonly routeId: string;
  /** Profile `x-fs` alone: which state of the settings the gateway had. */
  readonly policyVersion: string;
  /** The header that carries the context, or null. */
  readonly context: string | null;
}

/** A gateway's private key. Keep the object: its import is cached by it. */
export interface SigningKey {
  readonly kid: string;
  /** The Ed25519 seed, 32 bytes. */
  readonly privateKey: Uint8Array;
}

/** What the headers of a request say. Nobody has verified it. */
export interface Claim {
  readonly keyId: string;
  readonly requestId: string;
  readonly vault: string;
  readonly backend: string;
  readonly routeId: string;
  readonly policyVersion: string;
  /** The hash that the body must have, in hex. */
  readonly bodyHash: string;
  /** The gateway hashed no body: right on a route whose body is unsigned. */
  readonly unsignedBody: boolean;
  /** The header that carries the context, or null. */
  readonly context: string | null;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** What the signature covers, if it covers this request. @throws VerificationError bad_signature */
  signedText(method: string, target: string): string;
  /** @throws VerificationError expired_signature, clock_skew */
  requireWindow(atMs: number, maxAgeSeconds: number): void;
  /** From when on the window refuses the request, and its nonce may be forgotten. */
  untilMs(maxAgeSeconds: number): number;
}
