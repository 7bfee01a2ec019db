import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { readSecretFile } from "../../src/disk/given-file.ts";
import { openFilesBelow } from "../support/open-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vsync-secret-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, "secret");
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const read = (text: string) => ({ bytes: new Uint8Array(Buffer.from(text)), exposure: null });

describe("the content of a file", () => {
  test.each([
    ["hunter2", "hunter2"],
    ["hunter2\n", "hunter2"],
    ["hunter2 \t\r\n\r\n", "hunter2"],
    [" hun ter2\n", " hun ter2"],
    ["pässwörd\u00a0\n", "pässwörd\u00a0"],
    ["\ufeffx\v", "\ufeffx\v"],
  ])("%j is %j", async (content, secret) => {
    expect(await readSecretFile(write(content))).toEqual(read(secret));
  });

  test("a link is followed, as Kubernetes mounts secrets", async () => {
    const link = join(folder, "link");
    symlinkSync(write("hunter2"), link);
    expect(await readSecretFile(link)).toEqual(read("hunter2"));
  });

  test("1 MiB is accepted", async () => {
    expect(await readSecretFile(write("x".repeat(1024 * 1024)))).toEqual(read("x".repeat(1024 * 1024)));
  });
});

test("leaves no copy in the buffer that it was read to, and no open file", async () => {
  const prototype = Object.getPrototypeOf(await closedHandle()) as FileHandle;
  const reading = vi.spyOn(prototype, "read");
  onTestFinished(() => void vi.restoreAllMocks());
  await readSecretFile(write("hunter2"));
  await readSecretFile(write("hunter2".repeat(1024 * 1024)));
  await readSecretFile(folder);
  const buffers = reading.mock.calls.map(([buffer]) => buffer as unknown as Uint8Array);
  expect(buffers.length).toBeGreaterThanOrEqual(2);
  for (const buffer of buffers) expect(Buffer.compare(buffer, new Uint8Array(buffer.length))).toBe(0);
  expect(openFilesBelow(folder)).toEqual([]);
});

/** A handle that is already closed. */
async function closedHandle(): Promise<FileHandle> {
  await using handle = await open("/dev/null");
  return handle;
}

describe("what is refused", () => {
  test.each<[string, string | Uint8Array, number, string]>([
    ["nothing", "", 0o600, "is empty"],
    ["white space", " \r\n\t\n", 0o600, "is empty"],
    ["a byte too many", "x".repeat(1024 * 1024 + 1), 0o600, "is larger than 1048576 bytes"],
    ["no UTF-8", Uint8Array.of(0x61, 0xff), 0o600, "does not hold UTF-8 text"],
    ["world-writable", "hunter2", 0o666, "can be changed by every user of this machine (mode 0666)"],
    ["world-writable alone", "hunter2", 0o602, "can be changed by every user of this machine (mode 0602)"],
  ])("%s", async (_what, content, mode, refusal) => {
    expect(await readSecretFile(write(content, mode))).toEqual({ refusal });
  });

  test("a missing file", async () => {
    expect(await readSecretFile(join(folder, "none"))).toEqual({ refusal: "does not exist" });
    expect(await readSecretFile(join(write("x"), "below"))).toEqual({ refusal: "does not exist" });
  });

  test("a directory, a named pipe without a writer, a device", async () => {
    mkdirSync(join(folder, "below"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    expect(await readSecretFile(join(folder, "below"))).toEqual({ refusal: "is a directory" });
    expect(await readSecretFile(join(folder, "pipe"))).toEqual({ refusal: "is not a regular file" });
    for (const device of ["/dev/null", "/dev/zero"])
      expect(await readSecretFile(device)).toEqual({ refusal: "is not a regular file" });
  });

  test.runIf(process.platform === "linux")("a file whose reading fails", async () => {
    // proc_pid_mem(5): nothing is mapped at 0.
    expect(await readSecretFile("/proc/self/mem")).toEqual({ refusal: "cannot be read (EIO)" });
  });

  test("a loop of links, and a string that is not a path", async () => {
    symlinkSync(join(folder, "circle"), join(folder, "circle"));
    expect(await readSecretFile(join(folder, "circle"))).toEqual({ refusal: "is a loop of symbolic links" });
    expect(await readSecretFile("a\0b")).toEqual({ refusal: "cannot be read" });
    expect(await readSecretFile(join(folder, "x".repeat(300)))).toEqual({ refusal: "is too long for a path" });
  });

  test("a file that this process may not read", async () => {
    const path = write("hunter2", 0o000);
    chmodSync(folder, 0o755);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      expect(await readSecretFile(path)).toEqual({ refusal: "may not be read by this process" });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe("warnings", () => {
  test.each([
    [0o640, "is open to other users (mode 0640)"],
    [0o604, "is open to other users (mode 0604)"],
    [0o620, "is open to other users (mode 0620)"],
    [0o400, null],
    [0o700, null],
  ])("mode %o", async (mode, exposure) => {
    expect(await readSecretFile(write("x", mode))).toEqual({ ...read("x"), exposure });
  });

  test.skipIf(process.geteuid?.() !== 0)("another user's file", async () => {
    const path = write("x");
    chownSync(path, 12345, 12345);
    expect(await readSecretFile(path)).toEqual({ ...read("x"), exposure: "belongs to another user (uid 12345)" });
    chmodSync(path, 0o644);
    const both = "is open to other users (mode 0644) and belongs to another user (uid 12345)";
    expect(await readSecretFile(path)).toEqual({ ...read("x"), exposure: both });
  });

  test.skipIf(process.geteuid?.() !== 0).each([
    ["Docker mounts", 0o444, 0],
    ["Kubernetes mounts with fsGroup", 0o440, 12345],
  ])("none for root's file as %s it for another user", async (_, mode, gid) => {
    const path = write("x", mode);
    chownSync(path, 0, gid);
    chmodSync(folder, 0o755);
    process.setegid?.(12345);
    process.seteuid?.(12345);
    try {
      expect(await readSecretFile(path)).toEqual(read("x"));
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
    }
  });
});
