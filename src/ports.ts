/** What the domain asks of the world. Implementations: `src/s3`, `src/file`, and an in-memory one for tests. */

/** Opaque: an ETag, a digest. Equal versions of one key mean equal bytes. */
export type Version = string;

export interface StoredObject {
  /** The caller's own: it may alter them, or give their memory back. */
  readonly bytes: Uint8Array;
  readonly version: Version;
}

export interface ReadOptions {
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends ReadOptions {
  /**
   * At most this many bytes are read into memory. An object that is longer comes back cut to `maxBytes + 1`, so that its
   * length alone shows that it is too long.
   */
  readonly maxBytes: number;
}

export interface ListOptions extends ReadOptions {
  /** Only keys that sort after this one. */
  readonly startAfter?: string;
}

/**
 * The objects below one prefix of one bucket or directory. Keys are relative to the prefix (`manifest`, `v=…`,
 * `audit/…`). There is no unconditional write.
 *
 * Reads are retried within the implementation, a bounded number of times. Writes are too, and a write whose answer was
 * lost is settled by reading back, so that a caller sees one of three ends: done, `ConflictError`, `OutcomeUnknownError`.
 *
 * Every method throws `AccessDeniedError` where the store refuses and `S3UnreachableError` where it cannot be reached.
 */
export interface ObjectStore {
  /** What a person calls this store, for messages: `s3://bucket/prefix`, a path. Never a credential. */
  readonly label: string;

  /** The version of an object, or null where it is not there. */
  head(key: string, options?: ReadOptions): Promise<Version | null>;

  /** The bytes of an object and their version, or null where it is not there. */
  get(key: string, options: GetOptions): Promise<StoredObject | null>;

  /**
   * Writes an object that must not exist. Resolves with its version, also when an earlier try of the same call had
   * written these very bytes.
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

  /** Removes an object. Idempotent: a key that is not there is no error. */
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
