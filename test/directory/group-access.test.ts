import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, watch } from "node:fs";
import { chmod, chown, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import { newStore, temporaryFolder, text } from "./fixture.ts";

type FileSystem = typeof import("node:fs/promises");
type FileSystemSync = typeof import("node:fs");

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<FileSystem>();
  return { ...original, chown: vi.fn(original.chown) };
});

vi.mock("node:fs", async (importOriginal) => {
  const original = await importOriginal<FileSystemSync>();
  return { ...original, chmodSync: vi.fn(original.chmodSync), mkdirSync: vi.fn(original.mkdirSync) };
});

const real = await vi.importActual<FileSystem>("node:fs/promises");
const realSync = await vi.importActual<FileSystemSync>("node:fs");
const isRoot = process.geteuid?.() === 0;
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);

beforeEach(() => {
  vi.mocked(chown).mockReset().mockImplementation(real.chown);
  vi.mocked(chmodSync).mockReset().mockImplementation(realSync.chmodSync);
  vi.mocked(mkdirSync).mockReset().mockImplementation(realSync.mkdirSync);
});

describe.skipIf(process.platform === "win32")("the group of a store", () => {
  test("gets no access by default", async () => {
    const { store, root, folder, workFolder } = await newStore();
    await store.create("audit/000000000001", text("row"));
    expect(await Promise.all([root, folder, workFolder, `${folder}audit`].map(modeOf))).toEqual(Array(4).fill("700"));
    expect(await modeOf(`${folder}audit/000000000001`)).toBe("600");
  });

  test.each([
    [0o750, "640", "750"],
    [0o770, "660", "770"],
    [0o705, "600", "700"],
  ])("has the rights of the folder in a new object and a new folder: %o", async (mode, file, below) => {
    const { store, folder } = await newStore();
    await store.create("v=1", text("first"));
    await chmod(folder, mode);
    await store.create("manifest", text("one"));
    await store.create("audit/000000000001", text("row"));
    expect(await modeOf(`${folder}manifest`)).toBe(file);
    expect(await modeOf(`${folder}audit`)).toBe(below);
  });

  test.runIf(process.platform === "linux" && isMainThread)(
    "comes from a default ACL, seen without a file",
    async (context) => {
      const above = await temporaryFolder();
      // acl(5): version 2; tag, rights and id of the owner, user 4321, the group, the mask and others.
      const entries = [
        [1, 7, -1],
        [2, 7, 4321],
        [4, 5, -1],
        [16, 7, -1],
        [32, 0, -1],
      ];
      const script = `import os, struct, sys
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *it) for it in ${JSON.stringify(entries)})
os.setxattr(sys.argv[1], "system.posix_acl_default", acl)`;
      if (spawnSync("python3", ["-c", script, above]).status !== 0) return context.skip();
      await chmod(above, 0o770);
      const seen: (string | null)[] = [];
      const watcher = watch(above, (_event, name) => seen.push(name));
      onTestFinished(() => watcher.close());
      await createDirectoryRoot({ endpoint: fileEndpoint(above), bucket: "vaults" });
      expect(await modeOf(join(above, "vaults"))).toBe("770");
      await mkdir(join(above, "last"));
      await vi.waitUntil(() => seen.includes("last"));
      expect([...new Set(seen)]).toEqual(["vaults", "last"]);
    },
  );

  test("does not matter on a disk that gives every folder the same mode", async () => {
    const above = await temporaryFolder();
    vi.mocked(mkdirSync).mockImplementation((path) => {
      realSync.mkdirSync(path);
      realSync.chmodSync(path, 0o777);
      return undefined;
    });
    vi.mocked(chmodSync).mockImplementation(() => {
      throw Object.assign(new Error("EPERM"), { code: "EPERM", errno: -1, syscall: "chmod" });
    });
    await createDirectoryRoot({ endpoint: fileEndpoint(above), bucket: "vaults" });
    expect(await modeOf(join(above, "vaults"))).toBe("777");
  });

  test("keeps its rights to an object that is replaced", async () => {
    const { store, folder } = await newStore();
    const version = await store.create("manifest", text("one"));
    await chmod(`${folder}manifest`, 0o644);
    await store.replace("manifest", text("two"), version);
    expect(await modeOf(`${folder}manifest`)).toBe("640");
  });

  test.runIf(isRoot)("what root writes belongs to the owner of the store", async () => {
    const { store, folder } = await newStore();
    await store.create("v=1", text("first"));
    await chown(folder, 4321, 4321);
    const version = await store.create("manifest", text("one"));
    await store.create("audit/000000000001", text("row"));
    await store.replace("manifest", text("two"), version);
    const owners = await Promise.all(["manifest", "audit", "audit/000000000001"].map((key) => stat(`${folder}${key}`)));
    expect(owners.map(({ uid, gid }) => `${uid}:${gid}`)).toEqual(Array(3).fill("4321:4321"));
    expect([await modeOf(`${folder}manifest`), await modeOf(`${folder}audit`)]).toEqual(["600", "700"]);
  });

  test.runIf(isRoot)("is the group of the folder, independent of the process's group", async () => {
    const { store, folder } = await newStore();
    await store.create("v=1", text("first"));
    await chown(folder, 0, 1234);
    await chmod(folder, 0o750);
    await store.create("manifest", text("one"));
    expect([(await stat(`${folder}manifest`)).gid, await modeOf(`${folder}manifest`)]).toEqual([1234, "640"]);
  });

  test.runIf(isRoot)("gets nothing if this process may not give the object to it", async () => {
    const { store, folder } = await newStore();
    await store.create("v=1", text("first"));
    await chown(folder, 0, 1234);
    await chmod(folder, 0o750);
    vi.mocked(chown).mockRejectedValue(Object.assign(new Error("EPERM"), { code: "EPERM", syscall: "chown" }));
    await store.create("manifest", text("one"));
    expect([(await stat(`${folder}manifest`)).gid, await modeOf(`${folder}manifest`)]).toEqual([0, "600"]);
  });

  test("shares a new store only below a folder with setgid", async () => {
    const above = await temporaryFolder();
    for (const [mode, expected] of [
      [0o775, "700"],
      [0o2775, "2770"],
    ] as const) {
      const shared = join(above, String(mode));
      await mkdir(shared);
      await chmod(shared, mode);
      await createDirectoryRoot({ endpoint: fileEndpoint(shared), bucket: "vaults" });
      expect(await modeOf(join(shared, "vaults"))).toBe(expected);
    }
  });
});
