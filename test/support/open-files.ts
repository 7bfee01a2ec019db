import { readdirSync, readlinkSync } from "node:fs";

/** proc_pid_fd(5): the files below this folder that this process holds open; none where the system does not say. */
export function openFilesBelow(folder: string): string[] {
  if (process.platform !== "linux") return [];
  const open = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return open.filter((path) => path.startsWith(folder));
}
