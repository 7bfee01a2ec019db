/**
 * Frees the memory of bytes that are no longer needed at once, not when the garbage collector gets to it: next to a vault
 * of 64 MiB that is another 64 MiB. Bytes that share a buffer with others are left alone.
 */
export function release(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
