import { sha256 } from "@noble/hashes/sha2.js";
import { nodeCrypto } from "../../tokens/node-crypto.ts";
import { VerificationError } from "../verification-error.ts";

/** Remembers which requests were served. A shared store keeps two processes from serving the same request. */
export interface ReplayStore {
  /**
   * True if this call was the first with this key. Must be atomic. If it rejects, the request is refused.
   *
   * @param until when the key may be forgotten, in milliseconds since the epoch
   */
  claim(key: string, until: number): Promise<boolean>;
}

const MAX_ENTRIES = 1_000_000;
const encoder = new TextEncoder();

/** In this process's memory: 16 bytes per request, forgotten in the second in which they end. */
export class NonceCache implements ReplayStore {
  readonly #known = new Set<string>();
  readonly #endingAt = new Map<number, string[]>();
  readonly #clock: { nowMs(): number };
  readonly #maxEntries: number;
  #forgotten = 0;
  #lastSecond = 0;

  constructor(clock: { nowMs(): number }, maxEntries = MAX_ENTRIES) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  /** How many requests it remembers. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * @throws VerificationError nonce_cache_full: forgetting an entry would allow its replay
   */
  async claim(key: string, until: number): Promise<boolean> {
    this.#forget(Math.floor(this.#clock.nowMs() / 1000));
    const id = idOf(key);
    const second = Math.ceil(until / 1000);
    // The clock was set back, so a request of that time could have been served already.
    if (this.#known.has(id) || second <= this.#forgotten) return false;
    if (this.#known.size >= this.#maxEntries) {
      throw new VerificationError("nonce_cache_full", `${this.#known.size} requests are remembered`);
    }
    const ending = this.#endingAt.get(second);
    if (ending === undefined) this.#endingAt.set(second, [id]);
    else ending.push(id);
    this.#known.add(id);
    return true;
  }

  #forget(second: number): void {
    if (second === this.#lastSecond) return;
    this.#lastSecond = second;
    for (const [end, ids] of this.#endingAt) {
      if (end > second) continue;
      for (const id of ids) this.#known.delete(id);
      this.#endingAt.delete(end);
      this.#forgotten = Math.max(this.#forgotten, end);
    }
  }
}

/** 16 one-byte characters, a quarter of what most request ids take. */
function idOf(key: string): string {
  const node = nodeCrypto();
  if (node !== null) return node.hash("sha256", key, "buffer").toString("latin1", 0, 16);
  return String.fromCharCode(...sha256(encoder.encode(key)).subarray(0, 16));
}
