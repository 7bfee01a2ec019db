/**
 * Frees these bytes at once instead of leaving them to the garbage collector, because a vault may take 64 MiB, and the
 * pieces in which it arrived as much again. Does nothing if the bytes share their buffer with others.
 */
export function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
