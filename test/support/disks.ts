/** Full and read-only disks in memory (tmpfs), and disks without hard links. Mounting needs root or CAP_SYS_ADMIN. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { readdir, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianPackage } from "./debian.ts";

/**
 * @param options as for mount(8): `size=64k`
 */
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

/** The Debian programs that make and mount each file system, by name. */
const FAT = {
  exFAT: {
    type: "exfat",
    tools: "exfatprogs",
    make: "usr/sbin/mkfs.exfat",
    driver: "exfat-fuse",
    mount: "sbin/mount.exfat-fuse",
  },
  FAT: { type: "vfat", tools: "dosfstools", make: "sbin/mkfs.fat", driver: "fusefat", mount: "usr/bin/fusefat" },
} as const;

/**
 * Mounts a new disk with a file system that has no hard links: by the kernel, or else by FUSE.
 *
 * @throws Error this machine cannot
 */
export async function mountFat(kind: keyof typeof FAT, folder: string): Promise<AsyncDisposable> {
  const { type, tools, make, driver, mount: fuse } = FAT[kind];
  const image = `${folder}.image`;
  await writeFile(image, "");
  await truncate(image, 16 * 1024 * 1024);
  execFileSync(join(await debianPackage(tools), make), [image], { stdio: "ignore" });
  const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
  const end = async (): Promise<void> => {
    execFileSync("losetup", ["--detach", device]);
    await rm(image);
  };
  try {
    await mountDevice(type, device, folder, async () => join(await debianPackage(driver), fuse));
  } catch (error) {
    await end();
    throw error;
  }
  return {
    [Symbol.asyncDispose]: async () => {
      unmount(folder);
      await end();
    },
  };
}

async function mountDevice(type: string, device: string, folder: string, fuse: () => Promise<string>): Promise<void> {
  try {
    execFileSync("mount", ["-t", type, device, folder], { stdio: "ignore" });
  } catch {
    const libraries = join(await debianPackage("libfuse2"), "lib");
    const [triplet = ""] = await readdir(libraries);
    const env = { ...process.env, LD_LIBRARY_PATH: join(libraries, triplet) };
    execFileSync(await fuse(), ["-o", type === "vfat" ? "rw+" : "rw", device, folder], { env, stdio: "ignore" });
  }
}
