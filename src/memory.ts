/**
 * Frees these bytes at once instead of leaving them to the garbage collector, because a vault may take 64 MiB, and the
 * pieces in which it arrived as much again. Does nothing if the bytes share their buffer with others.
 */
export function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * Collects garbage now if the runtime is Bun, whose HTTP client leaves buffers as large as the received body to the
 * collector. It takes about 10 ms, so only what allocates much memory next is worth it. Does nothing in Node.js.
 */
export function collectGarbage(): void {
  const { Bun: bun } = globalThis as { Bun?: { gc(synchronous: boolean): void } };
  bun?.gc(true);
}
