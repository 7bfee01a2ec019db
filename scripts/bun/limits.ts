import { readFileSync, writeFileSync } from "node:fs";

/**
 * Keeps a Linux program made by Bun from raising its soft limit of open files, which programs started by `vsync run`
 * would inherit. It makes the program import getrlimit instead of setrlimit, which it uses only for this (decision
 * 0066).
 *
 * @throws Error the program does not import setrlimit exactly once
 */
export function keepFileLimit(program: string): void {
  const bytes = readFileSync(program);
  const names = dynamicNames(bytes);
  const at = names.indexOf("\0setrlimit\0");
  if (at === -1 || names.indexOf("\0setrlimit\0", at + 1) !== -1)
    throw new Error(`${program} does not import setrlimit once`);
  names.write("\0getrlimit\0", at, "latin1");
  writeFileSync(program, bytes);
}

const SHT_STRTAB = 3;
const SHF_ALLOC = 2n;

/** The section .dynstr of a 64-bit little-endian file, the only string table that is loaded: elf(5). */
function dynamicNames(bytes: Buffer): Buffer {
  const [table, size, count] = [Number(bytes.readBigUInt64LE(40)), bytes.readUInt16LE(58), bytes.readUInt16LE(60)];
  for (let at = table; at < table + size * count; at += size) {
    const isLoaded = (bytes.readBigUInt64LE(at + 8) & SHF_ALLOC) !== 0n;
    if (bytes.readUInt32LE(at + 4) !== SHT_STRTAB || !isLoaded) continue;
    const offset = Number(bytes.readBigUInt64LE(at + 24));
    return bytes.subarray(offset, offset + Number(bytes.readBigUInt64LE(at + 32)));
  }
  throw new Error("this program imports nothing");
}
