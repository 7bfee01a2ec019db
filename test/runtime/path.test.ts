/** @module-tag process */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  statfs,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { chooseFolder, makePrivateFolder } from "../../src/runtime/files/private-folder.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";
import {
  type DirectoryVault,
  directoryVault,
  environmentOf,
  ITEMS,
  open,
  rejectionOf,
  temporaryFolder,
} from "./fixture.ts";

const INDEX = JSON.stringify(new URL("../../src/runtime/index.ts", import.meta.url).href);
const canMount = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
const hasSharedMemory = process.platform === "linux" && existsSync("/dev/shm");

/** The folder of all files of a handle. */
function folderOf(path: string): string {
  return dirname(dirname(path));
}

function environment(name: string, value: string): void {
  vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe("path", () => {
  test("is a file 0600 with the item's bytes, in a folder 0700", async () => {
    const v = await open(await directoryVault());
    const path = await v.path("certs/sa.json");
    expect(new Uint8Array(await readFile(path))).toEqual(ITEMS[4].data);
    expect(basename(path)).toBe("sa.json");
    expect([await modeOf(path), await modeOf(dirname(path)), await modeOf(folderOf(path))]).toEqual([
      0o600, 0o700, 0o700,
    ]);
  });

  test.runIf(hasSharedMemory)("is in memory if the system has a tmpfs", async () => {
    const v = await open(await directoryVault());
    expect((await statfs(await v.path("API_KEY"))).type).toBe(0x01021994);
  });

  test("is written once, even for many calls at once", async () => {
    const v = await open(await directoryVault());
    const paths = await Promise.all([v.path("API_KEY"), v.path("API_KEY"), v.path("certs/sa.json")]);
    expect(paths[1]).toBe(paths[0]);
    expect(folderOf(paths[2])).toBe(folderOf(paths[0]));
    await writeFile(paths[0], "the app's own change");
    expect(await readFile(await v.path("API_KEY"), "utf8")).toBe("the app's own change");
  });

  test("also holds a value that get finds elsewhere", async () => {
    const vault = await directoryVault();
    const v = await open(vault, { env: { ...environmentOf(vault), FROM_ENV: "e" }, defaults: { FALLBACK: "d" } });
    expect(await readFile(await v.path("FROM_ENV"), "utf8")).toBe("e");
    expect(await readFile(await v.path("FALLBACK"), "utf8")).toBe("d");
    expect(await rejectionOf(v.path("NOWHERE"))).toMatchObject({ code: "CONFIG_MISSING" });
  });

  test("differs for every handle", async () => {
    const vault = await directoryVault();
    const [a, b] = await Promise.all([open(vault), open(vault)]);
    const paths = await Promise.all([a.path("API_KEY"), b.path("API_KEY")]);
    expect(folderOf(paths[0])).not.toBe(folderOf(paths[1]));
    await a.close();
    expect(paths.map((path) => existsSync(path))).toEqual([false, true]);
  });

  test.each([
    ["../../../../tmp/planted", "planted"],
    ["..", "item"],
    ["a/..", "item"],
    ["a/", "item"],
    ["a\\b", "a_b"],
    ["über.pem", "_ber.pem"],
    [`${"x".repeat(300)}.json`, `${"x".repeat(195)}.json`],
    [" -rf *", "_-rf__"],
  ])("of the secret %j stays in its folder", async (name, base) => {
    const v = await open(
      await directoryVault({
        items: [
          { name, data: "x" },
          { name: "OTHER", data: "y" },
        ],
      }),
    );
    const [path, other] = await Promise.all([v.path(name), v.path("OTHER")]);
    expect(basename(path)).toBe(base);
    expect(folderOf(path)).toBe(folderOf(other));
    expect(await readFile(path, "utf8")).toBe("x");
  });

  test("of two files with the same base name differ", async () => {
    const items = ["a/key", "b/key"].map((name) => ({ name, kind: "file", data: name }) as const);
    const v = await open(await directoryVault({ items }));
    expect(await Promise.all(items.map(async ({ name }) => readFile(await v.path(name), "utf8")))).toEqual([
      "a/key",
      "b/key",
    ]);
  });
});

describe("the files go", () => {
  test("on close, with their folder", async () => {
    const v = await open(await directoryVault());
    const path = await v.path("API_KEY");
    await v.close();
    expect(existsSync(folderOf(path))).toBe(false);
  });

  test("on close during a write", async () => {
    const v = await open(await directoryVault());
    const first = await v.path("API_KEY");
    const writing = rejectionOf(v.path("certs/sa.json"));
    await v.close();
    expect(await writing).toMatchObject({
      name: "InputError",
      message: expect.stringContaining("closed"),
      hint: expect.any(String),
    });
    expect(existsSync(folderOf(first))).toBe(false);
  });

  test("together with the exit listener, which exists only while there are files", async () => {
    const before = process.listenerCount("exit");
    const handles = await Promise.all(Array.from({ length: 12 }, async () => open(await directoryVault())));
    expect(process.listenerCount("exit")).toBe(before);
    await Promise.all(handles.map((v) => v.path("API_KEY")));
    expect(process.listenerCount("exit")).toBe(before + 1);
    await Promise.all(handles.map((v) => v.close()));
    expect(process.listenerCount("exit")).toBe(before);
  });

  test.each([
    ["at the end of the program", "", 0],
    ["on process.exit", "process.exit(3);", 3],
    ["on an exception", "throw new Error('boom');", 1],
    [
      "on the app's own handling of SIGTERM",
      "process.on('SIGTERM', () => process.exit(0)); process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);",
      0,
    ],
  ])("%s", async (_, end, code) => {
    const vault = await directoryVault();
    const script = `
      import { Vsync } from ${INDEX};
      const v = await Vsync.open();
      process.stdout.write(await v.path("API_KEY"));
      ${end}
    `;
    const { stdout, status } = runScript(script, vault);
    expect(status).toBe(code);
    expect(folderOf(stdout)).toMatch(/\/vsync\.[0-9a-f.]+$/);
    expect(existsSync(folderOf(stdout))).toBe(false);
  });
});

describe("the place of the files", () => {
  test("is not where another user could swap the folder", async () => {
    const parent = await temporaryFolder();
    environment("TMPDIR", parent);
    await chmod(parent, 0o777);
    const error = await rejectionOf(chooseFolder("/nowhere"));
    expect(error).toMatchObject({
      code: "ACCESS_DENIED",
      message: expect.stringContaining(parent),
      hint: expect.stringContaining("TMPDIR"),
    });
    for (const mode of [0o770, 0o702]) {
      await chmod(parent, mode);
      expect(await rejectionOf(chooseFolder("/nowhere"))).toMatchObject({ code: "ACCESS_DENIED" });
    }
    for (const mode of [0o1777, 0o1770, 0o755, 0o700]) {
      await chmod(parent, mode);
      expect(dirname(await chooseFolder("/nowhere"))).toBe(parent);
    }
  });

  test.runIf(process.getuid?.() === 0)("not where it is another user's folder", async () => {
    const parent = await temporaryFolder();
    environment("TMPDIR", parent);
    await chown(parent, 65534, 65534);
    await chmod(parent, 0o1755);
    expect(await rejectionOf(chooseFolder("/nowhere"))).toMatchObject({ code: "ACCESS_DENIED" });
  });

  test.runIf(hasSharedMemory)("in memory, but not where another user could swap the folder", async () => {
    const elsewhere = await temporaryFolder();
    environment("TMPDIR", elsewhere);
    const memory = await mkdtemp("/dev/shm/vsync test ");
    onTestFinished(() => rm(memory, { recursive: true }));
    expect(dirname(await chooseFolder(memory))).toBe(memory);
    await chmod(memory, 0o777);
    expect(dirname(await chooseFolder(memory))).toBe(elsewhere);
  });

  test("in the folder for temporary files, if memory is not available", async () => {
    const parent = await temporaryFolder();
    environment("TMPDIR", parent);
    const disk = join(parent, "disk");
    await mkdir(disk, { mode: 0o700 });
    // A folder of that name on another file system, as in a container with its own mount there.
    for (const none of ["/nowhere", "/proc"]) expect(dirname(await chooseFolder(none))).toBe(parent);
  });

  test("nowhere, if that is missing too", async () => {
    environment("TMPDIR", join(await temporaryFolder(), "none"));
    expect(await rejectionOf(chooseFolder("/nowhere"))).toMatchObject({ code: "S3_UNREACHABLE" });
  });

  test("not where somebody planted a link", async () => {
    const parent = await temporaryFolder();
    const victim = join(parent, "victim");
    await mkdir(victim);
    await symlink(victim, join(parent, "guessed"));
    expect(await rejectionOf(makePrivateFolder(join(parent, "guessed")))).toMatchObject({ code: "EEXIST" });
    expect(await readdir(victim)).toEqual([]);
  });

  test("a name that cannot be guessed", async () => {
    const names = await Promise.all(Array.from({ length: 20 }, () => chooseFolder()));
    expect(new Set(names).size).toBe(20);
    for (const name of names) expect(name).toMatch(/\/vsync\.[0-9a-f]{16}(\.[0-9]+){3}\.[0-9a-f]{32}$/);
  });

  test.runIf(hasSharedMemory && canMount)("not in memory that is read-only", async () => {
    const script = `
      import { Vsync } from ${INDEX};
      await using v = await Vsync.open();
      process.stdout.write(await v.path("API_KEY"));
    `;
    expect(runWithMemory("ro,mode=1777", script, await directoryVault())).toMatch(
      /^(?!\/dev\/shm).*\/vsync\..*\/API_KEY$/,
    );
  });

  test.runIf(hasSharedMemory && canMount)("and a full disk is reported", async () => {
    const vault = await directoryVault({
      items: [{ name: "big", kind: "file", data: new Uint8Array(3 * 1024 * 1024) }],
    });
    const script = `
      import { Vsync } from ${INDEX};
      const v = await Vsync.open();
      const error = await v.path("big").catch((error) => error);
      await v.close();
      console.log(error.code, error.message);
    `;
    expect(runWithMemory("size=1m,mode=1777", script, vault)).toMatch(
      /^S3_UNREACHABLE cannot write \/dev\/shm\/vsync\..*: no space left on the device \(ENOSPC\)\n$/,
    );
  });
});

/** Runs in a separate mount namespace, whose /dev/shm is mounted with these options. */
function runWithMemory(options: string, script: string, vault: DirectoryVault): string {
  const shell = `mount -t tmpfs -o ${options} none /dev/shm && exec "$0" "$@"`;
  const run = ["-m", "sh", "-c", shell, process.execPath, ...COMPILE_CACHE, "--input-type=module", "-e", script];
  return execFileSync("unshare", run, { env: { ...environmentOf(vault), PATH: process.env.PATH }, encoding: "utf8" });
}

function runScript(script: string, vault: DirectoryVault): { stdout: string; status: number | null } {
  const env = environmentOf(vault);
  return spawnSync(process.execPath, [...COMPILE_CACHE, "--input-type=module", "-e", script], {
    env,
    encoding: "utf8",
  });
}

async function modeOf(path: string): Promise<number> {
  return (await lstat(path)).mode & 0o7777;
}
