import { createHash } from "node:crypto";
import { ConflictError } from "../../src/errors.ts";
import type { GetOptions, ListOptions, ObjectStore, ReadOptions, StoredObject, Version } from "../../src/ports.ts";

export interface StoreRequest {
  readonly operation: "head" | "get" | "create" | "replace" | "list" | "delete";
  /** The object's key; for `list` the prefix of keys. */
  readonly key: string;
  /** The bytes to write. */
  readonly bytes?: Uint8Array;
}

/**
 * Called around every request. Throw to fail the request: in `before` nothing has happened, in `after` it has been applied
 * and only its answer is lost. Await to delay it.
 */
export interface FaultHook {
  before?(request: StoreRequest): void | Promise<void>;
  after?(request: StoreRequest): void | Promise<void>;
}

/** The objects of one bucket, shared by every store over it. */
export type MemoryBucket = Map<string, StoredObject>;

export interface MemoryStoreOptions {
  /** Default: a new bucket. */
  readonly bucket?: MemoryBucket;
  /** Ends in `/`, or is empty. Default: empty. */
  readonly prefix?: string;
  readonly faults?: FaultHook;
}

/** An `ObjectStore` in memory. It never retries, so the caller gets the error that a hook throws. */
export class MemoryStore implements ObjectStore {
  readonly bucket: MemoryBucket;
  readonly label: string;
  /** Every request so far, including those that a hook failed. */
  readonly requests: StoreRequest[] = [];
  faults: FaultHook;
  readonly #prefix: string;

  constructor(options: MemoryStoreOptions = {}) {
    this.bucket = options.bucket ?? new Map();
    this.#prefix = options.prefix ?? "";
    this.faults = options.faults ?? {};
    this.label = `memory://${this.#prefix}`;
  }

  /** A store with these objects, valid or not. */
  static of(objects: Readonly<Record<string, Uint8Array>>): MemoryStore {
    const store = new MemoryStore();
    for (const [key, bytes] of Object.entries(objects)) store.#write(key, bytes);
    return store;
  }

  head(key: string, options: ReadOptions = {}): Promise<Version | null> {
    return this.#request({ operation: "head", key }, options, () => this.#at(key)?.version ?? null);
  }

  get(key: string, options: GetOptions): Promise<StoredObject | null> {
    return this.#request({ operation: "get", key }, options, () => {
      const stored = this.#at(key);
      // Not `slice`: a Buffer's is a view, and the caller owns the result.
      const kept = stored?.bytes.subarray(0, options.maxBytes + 1);
      return stored && kept ? { ...stored, bytes: Uint8Array.from(kept) } : null;
    });
  }

  create(key: string, bytes: Uint8Array): Promise<Version> {
    return this.#request({ operation: "create", key, bytes: bytes.slice() }, {}, ({ bytes: copy }) => {
      if (this.#at(key)) throw new ConflictError(`${key} exists in ${this.label}`);
      return this.#write(key, copy);
    });
  }

  replace(key: string, bytes: Uint8Array, version: Version): Promise<Version> {
    return this.#request({ operation: "replace", key, bytes: bytes.slice() }, {}, ({ bytes: copy }) => {
      if (this.#at(key)?.version !== version) throw new ConflictError(`${key} in ${this.label} is at another version`);
      return this.#write(key, copy);
    });
  }

  async *list(keyPrefix: string, options: ListOptions = {}): AsyncGenerator<string> {
    const keys = await this.#request({ operation: "list", key: keyPrefix }, options, () =>
      this.#keys().filter((key) => key.startsWith(keyPrefix) && isAfter(key, options.startAfter)),
    );
    for (const key of keys) {
      options.signal?.throwIfAborted();
      yield key;
    }
  }

  delete(key: string): Promise<void> {
    return this.#request({ operation: "delete", key }, {}, () => {
      this.bucket.delete(this.#prefix + key);
    });
  }

  async #request<T, R extends StoreRequest>(request: R, options: ReadOptions, apply: (request: R) => T): Promise<T> {
    this.requests.push(request);
    options.signal?.throwIfAborted();
    await this.faults.before?.(request);
    options.signal?.throwIfAborted();
    const answer = apply(request);
    await this.faults.after?.(request);
    return answer;
  }

  #at(key: string): StoredObject | undefined {
    return this.bucket.get(this.#prefix + key);
  }

  #write(key: string, bytes: Uint8Array): Version {
    const version = createHash("sha256").update(bytes).digest("hex");
    this.bucket.set(this.#prefix + key, { bytes: bytes.slice(), version });
    return version;
  }

  #keys(): string[] {
    return [...this.bucket.keys()]
      .filter((path) => path.startsWith(this.#prefix))
      .map((path) => path.slice(this.#prefix.length))
      .toSorted(compareUtf8);
  }
}

function isAfter(key: string, startAfter: string | undefined): boolean {
  return startAfter === undefined || compareUtf8(key, startAfter) > 0;
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
