import { readdirSync, readlinkSync } from "node:fs";

/** The files below this folder that this process has open (proc_pid_fd(5)); empty if the system does not tell. */
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
