import { fstatSync, statfsSync, writeSync } from "node:fs";
import { isStdoutClosed, leadsNowhere, NOWHERE } from "./closed-stdout.ts";

/** Why what is written to stdout would be lost, as far as that shows without writing anything; null: nothing shows. */
export function stdoutFault(): string | null {
  try {
    if (leadsNowhere()) return isStdoutClosed() ? "is closed" : `leads to ${NOWHERE}`;
    // nothing is written, yet a device may say that it would take nothing (/dev/full)
    writeSync(1, new Uint8Array());
    return isOnFullDisk() ? "is on a full disk" : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EBADF" ? "is closed" : `cannot be written (${code})`;
  }
}

function isOnFullDisk(): boolean {
  if (process.platform !== "linux" || !fstatSync(1).isFile()) return false;
  const { blocks, bavail } = statfsSync("/proc/self/fd/1");
  return blocks > 0 && bavail === 0;
}
