import { crc32, gzipSync, inflateRawSync } from "node:zlib";

/** RFC 1952 §2.3.1. */
const FIXED_HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const FLAG_HCRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const RESERVED_FLAGS = 0xe0;
const OS_UNIX = 3;
/** zlib's own default. */
const LEVEL = 6;

/** One member with the same header on every machine: mtime 0, XFL 0, OS 3. */
export function writeGzipMember(bytes: Uint8Array): Uint8Array {
  const member = gzipSync(bytes, { level: LEVEL });
  member.fill(0, 4, 9);
  member[9] = OS_UNIX;
  return member;
}

/**
 * Reads exactly one gzip member with nothing after it. `zlib.gunzip` would join members and skip trailing bytes, so
 * this parses the member itself.
 *
 * @throws RangeError it inflates to more than `maxBytes` (and stops there), or is not exactly one valid member
 */
export function readGzipMember(member: Uint8Array, maxBytes: number): Uint8Array {
  const start = headerBytes(member);
  const { bytes, consumed } = inflate(member.subarray(start), maxBytes);
  const trailer = start + consumed;
  if (member.length !== trailer + TRAILER_BYTES) throw new RangeError("not exactly one gzip member");
  const view = new DataView(member.buffer, member.byteOffset + trailer, TRAILER_BYTES);
  if (view.getUint32(0, true) !== crc32(bytes) || view.getUint32(4, true) !== bytes.length) {
    throw new RangeError("gzip check value does not match");
  }
  return bytes;
}

function inflate(deflated: Uint8Array, maxBytes: number): { bytes: Uint8Array; consumed: number } {
  // `info` returns the engine, which knows how much input it used; @types/node omits that from the signature.
  const options = { info: true, maxOutputLength: maxBytes };
  try {
    const inflated = inflateRawSync(deflated, options) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return { bytes: inflated.buffer, consumed: inflated.engine.bytesWritten };
  } catch (error) {
    const tooLarge = (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    throw new RangeError(tooLarge ? `inflates to more than ${maxBytes} bytes` : "not a whole gzip member");
  }
}

function headerBytes(member: Uint8Array): number {
  const flags = member[3] ?? RESERVED_FLAGS;
  const sound = member[0] === 0x1f && member[1] === 0x8b && member[2] === 8 && (flags & RESERVED_FLAGS) === 0;
  if (!sound) throw new RangeError("not gzip");
  let at = FIXED_HEADER_BYTES;
  if (flags & FLAG_EXTRA) at += 2 + (member[at] ?? 0) + 256 * (member[at + 1] ?? 0);
  if (flags & FLAG_NAME) at = afterZero(member, at);
  if (flags & FLAG_COMMENT) at = afterZero(member, at);
  if (flags & FLAG_HCRC) at += 2;
  if (at >= member.length) throw new RangeError("not a whole gzip member");
  return at;
}

function afterZero(bytes: Uint8Array, from: number): number {
  const zero = bytes.indexOf(0, from);
  return zero === -1 ? bytes.length : zero + 1;
}
