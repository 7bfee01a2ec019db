import { createReadStream, type Stats } from "node:fs";
import { buffer } from "node:stream/consumers";

/** Opening one waits for its other end, and neither a signal nor an exit interrupts that. `<(command)` has its end. */
export function isNamedPipe(path: string, stats: Stats): boolean {
  return stats.isFIFO() && !/^\/(dev|proc)\//.test(path);
}

/** The first bytes of a file, one more than `maxBytes` where it has more: a device such as `/dev/zero` has no end. */
export function readAtMost(path: string, maxBytes: number): Promise<Uint8Array> {
  return buffer(createReadStream(path, { end: maxBytes }));
}
