/**
 * The interfaces through which the domain reaches the world. Implementations: `src/s3`, `src/directory`, and one in
 * memory for tests.
 */

/** Opaque, such as an ETag or a digest. Equal versions of one key mean equal bytes. */
export type Version = string;

export interface StoredObject {
  /** The caller's own copy, which it may change or zero. */
  readonly bytes: Uint8Array;
  readonly version: Version;
  /**
   * How far the store's clock is ahead of this machine's, in milliseconds, accurate to a second. Absent if the store
   * does not date its responses, as a directory.
   */
  readonly skewMs?: number;
  /** When the store received the object, in milliseconds since the epoch by its own clock, accurate to a second. */
  readonly storedMs?: number;
}

export interface ReadOptions {
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends ReadOptions {
  /**
   * The most bytes to read into memory. A longer object is cut to `maxBytes + 1` bytes, so its length shows that it is
   * too long.
   */
  readonly maxBytes: number;
  /** If the object is still at this version, the result may lack its bytes. Compare the versions first. */
  readonly unless?: Version | undefined;
}

export interface ListOptions extends ReadOptions {
  /** Only keys that sort after this one. */
  readonly startAfter?: string;
}

/**
 * The objects under one prefix of one bucket or directory. Keys are relative to the prefix (`manifest`, `v=…`,
 * `audit/…`). Every write states its precondition.
 *
 * Implementations retry reads and writes a bounded number of times. If the response to a write is lost, they read the
 * object back, so a write ends in one of three ways: done, `ConflictError` or `OutcomeUnknownError`.
 *
 * Every method throws `AccessDeniedError` if the store refuses, and `S3UnreachableError` if it cannot be reached.
 */
export interface ObjectStore {
  /** The store's name for messages: `s3://bucket/prefix`, or a path. Never contains a credential. */
  readonly label: string;

  /** The version of an object, or null if it does not exist. */
  head(key: string, options?: ReadOptions): Promise<Version | null>;

  /** The bytes of an object and their version, or null if it does not exist. */
  get(key: string, options: GetOptions): Promise<StoredObject | null>;

  /**
   * Creates an object. Resolves with its version, even if an earlier try of the same call wrote the bytes.
   *
   * @throws ConflictError the key exists; nothing was changed
   * @throws OutcomeUnknownError the response was lost and the object cannot be read back
   */
  create(key: string, bytes: Uint8Array): Promise<Version>;

  /**
   * Overwrites an object that must be at `version`. Resolves with its new version.
   *
   * @throws ConflictError the object is at another version, or gone; nothing was changed
   * @throws OutcomeUnknownError the response was lost and the object cannot be read back
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
