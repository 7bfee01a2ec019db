import { fstatSync, readFileSync, readlinkSync, statSync } from "node:fs";

export const NOWHERE = "/dev/null";
const SHELLS = new Set(["ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "sh", "zsh"]);

/**
 * Whether the program was started without a stdout (`>&-`). Node.js and bun then open /dev/null in its place, for reading and
 * writing, before anything of ours runs. So do programs that start us and want no output, but a shell does not: if it is one
 * that started us, and its own stdout leads elsewhere, there was none. Where that cannot be told (no procfs), false.
 */
export function isStdoutClosed(): boolean {
  try {
    // proc(5): the last octal digit is the access mode, and 2 is O_RDWR
    if (!leadsNowhere() || !/^flags:\s*\d*2$/m.test(readFileSync("/proc/self/fdinfo/1", "utf8"))) return false;
    const parent = `/proc/${process.ppid}`;
    return SHELLS.has(readFileSync(`${parent}/comm`, "utf8").trim()) && targetOf(`${parent}/fd/1`) !== NOWHERE;
  } catch {
    return false;
  }
}

/** Whether what is written to stdout goes to /dev/null. @throws Error there is no stdout */
export function leadsNowhere(): boolean {
  const stats = fstatSync(1);
  return stats.isCharacterDevice() && process.platform !== "win32" && stats.rdev === statSync(NOWHERE).rdev;
}

/** Null where the shell has none, either. */
function targetOf(descriptor: string): string | null {
  try {
    return readlinkSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
