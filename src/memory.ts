/**
 * Frees the memory of bytes that are no longer needed, without waiting for the garbage collector: a vault may be 64
 * MiB, and the pieces that it arrived in as much again. Does nothing to bytes that share their buffer with others.
 */
export function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
