import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { fillBut, mount, remount, unmount } from "../../../test/support/disks.ts";
import { aftermathOf } from "./directory.ts";
import { folderOf } from "./folder.ts";
import type { Aftermath } from "./judge.ts";
import type { Operation } from "./operations.ts";
import type { Trial } from "./trial.ts";
import { Victim } from "./victim.ts";

/** The number of free blocks on a disk. */
const LEFT_FREE = [0, 1, 2, 3, 5, 7];

/** Nearly full disks, and a disk mounted read-only. */
export function diskTrials(operation: Operation, folder: string): Trial[] {
  const full = LEFT_FREE.map((blocks) => ({
    level: "disk" as const,
    operation,
    fault: "disk full",
    detail: `${blocks} blocks free`,
    run: () => onDisk(operation, `${folder}/full-${blocks}`, (disk) => fillBut(disk, blocks)),
  }));
  const readOnly = () => onDisk(operation, `${folder}/read-only`, async (disk) => remount(disk, "ro"));
  return [...full, { level: "disk", operation, fault: "read-only", detail: "mounted so", run: readOnly }];
}

async function onDisk(operation: Operation, disk: string, harm: (disk: string) => Promise<void>): Promise<Aftermath> {
  await mkdir(disk);
  mount(disk, "size=1m");
  const location = await folderOf(operation.world, disk);
  await harm(disk);
  const answer = await (async () => {
    await using victim = await Victim.start();
    return await victim.perform({ operation: operation.name, location });
  })();
  remount(disk, "rw");
  await rm(`${disk}/filler`, { force: true });
  const aftermath = aftermathOf(operation, location, answer);
  // With enough room nothing failed; reading needs none.
  return { ...aftermath, met: aftermath.ending.said !== "done" };
}

/** Unmounts every disk below the folder. */
export function unmountAll(folder: string): void {
  if (process.platform !== "linux") return;
  const mounted = readFileSync("/proc/mounts", "utf8").split("\n");
  const disks = mounted.map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${folder}/`));
  for (const disk of disks) unmount(disk);
}
