// Code signatures of 64-bit little-endian Mach-O programs: <mach-o/loader.h>, and xnu's osfmk/kern/cs_blobs.h.
import { createHash } from "node:crypto";

const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const CPU_TYPE_ARM64 = 0x0100000c;
const SUPERBLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
// CS_ADHOC | CS_LINKER_SIGNED, as Apple's linker sets them; `codesign` replaces such a signature without --force.
const FLAGS = 0x20002;
const SHA256 = 2;
const PAGE_BITS = 12;
const DIRECTORY_BYTES = 88;
const INDEX_BYTES = 20;

/** Tells whether each page of a program matches its signature. macOS kills a program with a mismatch. */
export function signatureHolds(program: Buffer): boolean {
  const { signature } = commandsOf(program);
  if (signature === undefined) return false;
  const blob = program.subarray(signature.offset, signature.offset + signature.size);
  if (blob.length !== signature.size || program.length !== signature.offset + signature.size) return false;
  const directory = codeDirectory(blob);
  if (directory?.readUInt32BE(32) !== signature.offset) return false;
  return pagesOf(directory).equals(hashes(program, signature.offset));
}

/**
 * Replaces the program's signature with an ad hoc one, which names no signer.
 *
 * @param program has a signature at its end, valid or not
 * @param identifier the program's name in the signature
 */
export function signedAdHoc(program: Buffer, identifier: string): Buffer {
  const { signature, segments, isArm64 } = commandsOf(program);
  const [linkedit, text] = [segments.get("__LINKEDIT"), segments.get("__TEXT")];
  if (!signature || !linkedit || !text) throw new Error("this is not a Mach-O program with room for a signature");
  const codeBytes = signature.offset;
  const size = INDEX_BYTES + DIRECTORY_BYTES + identifier.length + 1 + hashes(program, codeBytes).length;
  const signed = Buffer.alloc(codeBytes + size);
  program.copy(signed, 0, 0, codeBytes);
  signed.writeUInt32LE(size, signature.command + 12);
  const linkeditBytes = BigInt(codeBytes + size) - linkedit.fileOffset;
  const page = isArm64 ? 0x4000n : 0x1000n;
  signed.writeBigUInt64LE(((linkeditBytes + page - 1n) / page) * page, linkedit.command + 32);
  signed.writeBigUInt64LE(linkeditBytes, linkedit.command + 48);
  superBlob(identifier, text, hashes(signed, codeBytes), codeBytes).copy(signed, codeBytes);
  return signed;
}

function superBlob(identifier: string, text: Segment, pages: Buffer, codeBytes: number): Buffer {
  const directory = Buffer.alloc(DIRECTORY_BYTES + identifier.length + 1);
  const hashOffset = directory.length;
  const length = hashOffset + pages.length;
  const slots = pages.length / 32;
  // version 2.4, no special slots
  const words = [CODE_DIRECTORY, length, 0x20400, FLAGS, hashOffset, DIRECTORY_BYTES, 0, slots, codeBytes];
  for (const [index, word] of words.entries()) directory.writeUInt32BE(word, index * 4);
  directory.set([32, SHA256, 0, PAGE_BITS], 36);
  directory.writeBigUInt64BE(text.fileOffset, 64);
  directory.writeBigUInt64BE(text.fileSize, 72);
  // CS_EXECSEG_MAIN_BINARY
  directory.writeBigUInt64BE(1n, 80);
  directory.write(identifier, DIRECTORY_BYTES, "latin1");
  const index = Buffer.alloc(INDEX_BYTES);
  for (const [at, word] of [SUPERBLOB, INDEX_BYTES + length, 1, 0, INDEX_BYTES].entries())
    index.writeUInt32BE(word, at * 4);
  return Buffer.concat([index, directory, pages]);
}

/** The SHA-256 of each page; the last page may be short. */
function hashes(program: Buffer, codeBytes: number): Buffer {
  const digests: Buffer[] = [];
  for (let at = 0; at < codeBytes; at += 1 << PAGE_BITS) {
    const page = program.subarray(at, Math.min(at + (1 << PAGE_BITS), codeBytes));
    digests.push(createHash("sha256").update(page).digest());
  }
  return Buffer.concat(digests);
}

interface Segment {
  /** The offset of its load command. */
  readonly command: number;
  readonly fileOffset: bigint;
  readonly fileSize: bigint;
}

interface Commands {
  readonly isArm64: boolean;
  readonly segments: Map<string, Segment>;
  signature?: { readonly command: number; readonly offset: number; readonly size: number };
}

function commandsOf(program: Buffer): Commands {
  const commands: Commands = { isArm64: program.readUInt32LE(4) === CPU_TYPE_ARM64, segments: new Map() };
  let at = 32;
  for (let left = program.readUInt32LE(16); left > 0; left--) {
    const kind = program.readUInt32LE(at);
    if (kind === LC_SEGMENT_64) commands.segments.set(...segmentAt(program, at));
    if (kind === LC_CODE_SIGNATURE) {
      commands.signature = { command: at, offset: program.readUInt32LE(at + 8), size: program.readUInt32LE(at + 12) };
    }
    at += program.readUInt32LE(at + 4);
  }
  return commands;
}

function segmentAt(program: Buffer, command: number): [string, Segment] {
  const name = program.toString("latin1", command + 8, command + 24).replace(/\0+$/, "");
  const fileOffset = program.readBigUInt64LE(command + 40);
  return [name, { command, fileOffset, fileSize: program.readBigUInt64LE(command + 48) }];
}

function codeDirectory(blob: Buffer): Buffer | undefined {
  for (let index = 0; index < blob.readUInt32BE(8); index++) {
    const at = blob.readUInt32BE(16 + 8 * index);
    if (blob.readUInt32BE(at) === CODE_DIRECTORY) return blob.subarray(at, at + blob.readUInt32BE(at + 4));
  }
  return undefined;
}

function pagesOf(directory: Buffer): Buffer {
  const offset = directory.readUInt32BE(16);
  return directory.subarray(offset, offset + 32 * directory.readUInt32BE(28));
}
