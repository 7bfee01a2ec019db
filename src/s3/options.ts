import type { Clock, Random } from "../vault/ports.ts";

export interface S3Options {
  readonly clock: Clock;
  /** Spreads the waits between tries. */
  readonly random: Random;
  readonly limits?: Partial<S3Limits>;
  readonly sleep?: Sleep;
}

/** What one call of the store may take. A write whose answer was lost may take as long again, to learn what became of it. */
export interface S3Limits {
  /** How often a request is tried in all, where servers or the network fail. */
  readonly attempts: number;
  /** The same where the server only asks for time (503 SlowDown): enough to make use of the whole deadline. */
  readonly throttledAttempts: number;
  /** Until there is a connection: name resolution, TCP and TLS. */
  readonly connectTimeoutMs: number;
  /** Of a read, without an answer or another byte of it. Three of them fit into the 30 s that `Vsync.open` has. */
  readonly readTimeoutMs: number;
  /** Of a write, without an answer. What it sends adds the time that it takes at 64 KiB/s. */
  readonly answerTimeoutMs: number;
  /** For all tries and the waits between them. A body adds to this, too. */
  readonly deadlineMs: number;
}

/** Rejects when the signal is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const DEFAULT_LIMITS: S3Limits = {
  attempts: 5,
  throttledAttempts: 30,
  connectTimeoutMs: 5_000,
  readTimeoutMs: 8_000,
  answerTimeoutMs: 15_000,
  deadlineMs: 60_000,
};

/** Slower than this, a transfer is given up. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;

export function transferMs(bytes: number): number {
  return (bytes / SLOWEST_BYTES_PER_SECOND) * 1000;
}
