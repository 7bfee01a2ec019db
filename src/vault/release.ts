/**
 * Gives the memory of bytes that nobody looks at any more back now, not when the garbage collector comes to it: beside a
 * vault of 64 MiB that would be one more. Bytes that share their memory with others are left alone.
 */
export function release(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
