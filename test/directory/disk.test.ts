/** @module-tag process */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkDirectoryRoot, createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import { AccessDeniedError, S3UnreachableError } from "../../src/errors.ts";
import { BUNDLE, keysOf, ROW } from "../contract/fixture.ts";
import { newStore, read, temporaryFolder, text } from "./fixture.ts";

const SIZE = "1m";
const LARGER_THAN_THE_DISK = new Uint8Array(2 * 1024 * 1024);

/** A file system in memory, removed after the test. */
async function mountSmallDisk(options: string): Promise<string> {
  const folder = await temporaryFolder();
  mount(folder, options);
  onTestFinished(() => void execFileSync("umount", [folder]));
  return folder;
}

function mount(folder: string, options: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "vsync-test", folder], { stdio: "ignore" });
}

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(`${tmpdir()}/vsync-mount-`);
  try {
    mount(folder, `size=${SIZE}`);
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

async function fill(path: string): Promise<void> {
  await expect(writeFile(path, LARGER_THAN_THE_DISK)).rejects.toThrow("ENOSPC");
}

describe.skipIf(!canMount())("on a disk of its own (skipped where this user may not mount one)", () => {
  test("create names a disk that fills up, and leaves nothing behind", async () => {
    const { store, folder, workFolder } = await newStore(await mountSmallDisk(`size=${SIZE}`));
    await store.create("manifest", text("before"));
    const creating = store.create(BUNDLE, LARGER_THAN_THE_DISK);
    await expect(creating).rejects.toThrow(S3UnreachableError);
    await expect(creating).rejects.toThrow(`cannot write ${folder}${BUNDLE}: no space left on the device (ENOSPC)`);
    expect(await keysOf(store)).toEqual(["manifest"]);
    expect(await readdir(workFolder)).toEqual([]);
    await store.create(BUNDLE, text("there is room for this one"));
  });

  test("replace keeps the old object when the disk fills up", async () => {
    const { store, folder, workFolder } = await newStore(await mountSmallDisk(`size=${SIZE}`));
    const version = await store.create("manifest", text("before"));
    const replacing = store.replace("manifest", LARGER_THAN_THE_DISK, version);
    await expect(replacing).rejects.toThrow(`cannot write ${folder}manifest: no space left on the device (ENOSPC)`);
    expect(await read(store, "manifest")).toBe("before");
    expect(await readdir(workFolder)).toEqual([]);
  });

  test("a full disk allows reads and deletes, and then writes again", async () => {
    const disk = await mountSmallDisk(`size=${SIZE},nr_inodes=20`);
    const { store } = await newStore(disk);
    const version = await store.create("manifest", text("before"));
    await store.create(BUNDLE, new Uint8Array(500_000));
    await fill(`${disk}/filler`);
    await fillInodes(disk);
    expect(await read(store, "manifest")).toBe("before");
    await expect(store.replace("manifest", text("after"), version)).rejects.toThrow("ENOSPC");
    await expect(store.create(ROW, text("row"))).rejects.toThrow("ENOSPC");
    await store.delete(BUNDLE);
    await rm(`${disk}/inode-0`);
    await store.replace("manifest", text("after"), version);
    expect(await read(store, "manifest")).toBe("after");
  });

  test("a read-only disk refuses a new store, even if its folder exists", async () => {
    const disk = await mountSmallDisk(`size=${SIZE}`);
    const location = { endpoint: fileEndpoint(disk), bucket: "vaults" };
    await createDirectoryRoot(location);
    mount(disk, `remount,ro,size=${SIZE}`);
    const denied = `cannot create ${disk}/vaults: the file system is read-only (EROFS)`;
    expect(await checkDirectoryRoot(location)).toBe(true);
    await expect(createDirectoryRoot(location)).rejects.toThrow(denied);
    const missing = { endpoint: `${location.endpoint}/below`, bucket: "vaults" };
    await expect(checkDirectoryRoot(missing)).rejects.toThrow(`cannot create ${disk}/below/vaults: the file system`);
  });

  test("a read-only disk allows reads; a write is denied and names the path", async () => {
    const disk = await mountSmallDisk(`size=${SIZE}`);
    const { store, folder } = await newStore(disk);
    const version = await store.create("manifest", text("before"));
    execFileSync("mount", ["-o", "remount,ro", disk]);
    expect(await store.head("manifest")).toBe(version);
    expect(await read(store, "manifest")).toBe("before");
    expect(await keysOf(store)).toEqual(["manifest"]);
    const denied = `${folder}manifest: the file system is read-only (EROFS)`;
    await expect(store.create(ROW, text("row"))).rejects.toThrow(AccessDeniedError);
    await expect(store.replace("manifest", text("after"), version)).rejects.toThrow(`cannot write ${denied}`);
    await expect(store.delete("manifest")).rejects.toThrow(`cannot delete ${denied}`);
    expect(await read(store, "manifest")).toBe("before");
  });
});

async function fillInodes(disk: string): Promise<void> {
  const fillAll = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await writeFile(`${disk}/inode-${i}`, "");
  };
  await expect(fillAll()).rejects.toThrow("ENOSPC");
}
