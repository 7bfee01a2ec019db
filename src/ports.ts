/** What the domain needs from the world. Implementations: `src/s3`, `src/directory`, and one in memory for tests. */

/** Opaque: an ETag, a digest. Equal versions of one key mean equal bytes. */
export type Version = string;

export interface StoredObject {
  /** The caller's own copy, to change or to zero. */
  readonly bytes: Uint8Array;
  readonly version: Version;
  /**
   * How far the store's clock is ahead of this machine's, in milliseconds and accurate to a second, if the store dates its
   * answers. A directory does not.
   */
  readonly skewMs?: number;
  /** When the store took the object, in milliseconds since 1970 and accurate to a second, by its own clock. */
  readonly storedMs?: number;
}

export interface ReadOptions {
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends ReadOptions {
  /**
   * The most bytes to read into memory. A longer object comes back cut to `maxBytes + 1` bytes: its length alone shows
   * that it is too long.
   */
  readonly maxBytes: number;
  /** An object that is still at this version may come back without its bytes: compare the versions first. */
  readonly unless?: Version | undefined;
}

export interface ListOptions extends ReadOptions {
  /** Only keys that sort after this one. */
  readonly startAfter?: string;
}

/**
 * The objects below one prefix of one bucket or directory. Keys are relative to the prefix (`manifest`, `v=…`,
 * `audit/…`). Every write states its precondition.
 *
 * The implementation retries reads and writes a bounded number of times. If the answer to a write is lost, it reads the
 * object back, so a write ends in one of three ways: done, `ConflictError`, `OutcomeUnknownError`.
 *
 * Every method throws `AccessDeniedError` if the store refuses and `S3UnreachableError` if it cannot be reached.
 */
export interface ObjectStore {
  /** The store's name for messages: `s3://bucket/prefix`, a path. Never a credential. */
  readonly label: string;

  /** The version of an object, or null if it does not exist. */
  head(key: string, options?: ReadOptions): Promise<Version | null>;

  /** The bytes of an object and their version, or null if it does not exist. */
  get(key: string, options: GetOptions): Promise<StoredObject | null>;

  /**
   * Writes an object that must not exist. Resolves with its version, even if it was an earlier try of the same call that
   * wrote the bytes.
   *
   * @throws ConflictError the key exists; nothing was changed
   * @throws OutcomeUnknownError the answer was lost and the object cannot be read back
   */
  create(key: string, bytes: Uint8Array): Promise<Version>;

  /**
   * Writes over an object that must be at `version`. Resolves with its new version.
   *
   * @throws ConflictError the object is at another version, or gone; nothing was changed
   * @throws OutcomeUnknownError the answer was lost and the object cannot be read back
   */
  replace(key: string, bytes: Uint8Array, version: Version): Promise<Version>;

  /** The keys that start with `keyPrefix`, in ascending order of their UTF-8 bytes. */
  list(keyPrefix: string, options?: ListOptions): AsyncIterable<string>;

  /** Removes an object. Idempotent: a missing key is not an error. */
  delete(key: string): Promise<void>;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
}

export interface Random {
  /** `length` bytes from a cryptographically secure source. */
  bytes(length: number): Uint8Array;
}
