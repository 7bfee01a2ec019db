import { sha256 } from "@noble/hashes/sha2.js";
import { VerificationError } from "./verification-error.ts";

/** Remembers which requests were served. A shared one keeps a request from being served by two processes. */
export interface ReplayStore {
  /** False if the key has been claimed before. If it rejects, the request is refused. @param untilMs when it may be forgotten */
  claim(key: string, untilMs: number): Promise<boolean>;
}

const MAX_ENTRIES = 1_000_000;
const encoder = new TextEncoder();

/** In this process: 16 bytes a request, forgotten by the second in which they end. */
export class NonceCache implements ReplayStore {
  readonly #known = new Set<string>();
  readonly #endingAt = new Map<number, string[]>();
  readonly #clock: { nowMs(): number };
  readonly #maxEntries: number;

  constructor(clock: { nowMs(): number }, maxEntries = MAX_ENTRIES) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  /** @throws VerificationError nonce_cache_full: forgetting one would let it be replayed */
  async claim(key: string, untilMs: number): Promise<boolean> {
    this.#forget(Math.floor(this.#clock.nowMs() / 1000));
    const id = idOf(key);
    if (this.#known.has(id)) return false;
    if (this.#known.size >= this.#maxEntries) {
      throw new VerificationError("nonce_cache_full", `${this.#known.size} requests are remembered`);
    }
    const second = Math.ceil(untilMs / 1000);
    const ending = this.#endingAt.get(second) ?? [];
    ending.push(id);
    this.#endingAt.set(second, ending);
    this.#known.add(id);
    return true;
  }

  #forget(second: number): void {
    for (const [end, ids] of this.#endingAt) {
      if (end >= second) continue;
      for (const id of ids) this.#known.delete(id);
      this.#endingAt.delete(end);
    }
  }
}

/** 16 characters of one byte: a quarter of what most request ids take. */
function idOf(key: string): string {
  return String.fromCharCode(...sha256(encoder.encode(key)).subarray(0, 16));
}
