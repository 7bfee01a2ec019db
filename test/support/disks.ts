/** Full and read-only disks in memory (tmpfs). Mounting needs root or CAP_SYS_ADMIN. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";

/** @param options as of mount(8): `size=64k` */
export function mount(folder: string, options: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "vsync-faults", folder], { stdio: "ignore" });
}

export function unmount(folder: string): void {
  execFileSync("umount", [folder]);
}

export function remount(disk: string, how: "ro" | "rw"): void {
  execFileSync("mount", ["-o", `remount,${how}`, disk]);
}

/** Whether this user may mount a disk in memory. */
export function canMount(): boolean {
  if (process.platform !== "linux") return false;
  const folder = mkdtempSync(`${tmpdir()}/vsync-mount-`);
  try {
    mount(folder, "size=64k");
    unmount(folder);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

/** Fills the disk except for this many blocks; `filler` is the file that does it. */
export async function fillBut(disk: string, blocks: number): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(`${disk}/filler`, new Uint8Array((bavail - blocks) * bsize));
}
