/** @module-tag process */
import { existsSync } from "node:fs";
import { chown, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { newFolderName, removeLeftFolders } from "../../../src/runtime/files/private-folder.ts";
import { directoryVault, environmentOf, temporaryFolder } from "../fixture.ts";
import { INDEX, runModule } from "../program.ts";

type FileSystem = typeof import("node:fs");

vi.mock("node:fs", async (importOriginal) => {
  const original = await importOriginal<FileSystem>();
  return { ...original, existsSync: vi.fn(original.existsSync) };
});

const real = await vi.importActual<FileSystem>("node:fs");

const ROOT = process.getuid?.() === 0;
const isLinux = process.platform === "linux";
/** Above the pids of Linux (proc(5), pid_max), and still a number that kill(2) accepts. */
const NO_PROCESS = 2 ** 22 + 1;

const OPEN = `
  import { Vsync } from ${INDEX};
  const v = await Vsync.open();
  const path = await v.path("API_KEY");
`;
/** The worker inherits the flag that makes its text a module. */
const WORKER = `
  import { once } from "node:events";
  import { existsSync } from "node:fs";
  import { Worker } from "node:worker_threads";
  const worker = new Worker(${JSON.stringify(`import { parentPort } from "node:worker_threads"; ${OPEN}
    parentPort.postMessage(path);
    setInterval(() => {}, 1000);`)}, { eval: true });
  const [left] = await once(worker, "message");
`;

/** The unused folder of this process for files of a handle. */
async function folderWith(change: (name: string) => string): Promise<string> {
  const parent = await temporaryFolder();
  await mkdir(join(parent, change(await newFolderName())), { mode: 0o700 });
  return parent;
}

const ofThread = (thread: number) => (name: string) => name.replace(/\.[0-9]+(\.[0-9a-f]{32})$/, `.${thread}$1`);
const elsewhere = (name: string) => name.replace(/\.[0-9a-f]{16}\./, ".0123456789abcdef.");
const ofPid = (pid: number) => (name: string) => name.replace(/^(vsync\.[0-9a-f]+\.)[0-9]+/, `$1${pid}`);

describe("the first path of a handle removes leftover files", () => {
  test("of a process that was killed", async () => {
    const env = environmentOf(await directoryVault());
    const killed = await runModule(`${OPEN} process.stdout.write(path, () => process.kill(process.pid, 9));`, env);
    expect(killed.status).toBeNull();
    expect(existsSync(killed.stdout)).toBe(true);
    const next = await runModule(`${OPEN} process.stdout.write(path);`, env);
    expect(next).toMatchObject({ stderr: "", status: 0 });
    expect(dirname(dirname(dirname(next.stdout)))).toBe(dirname(dirname(dirname(killed.stdout))));
    expect(existsSync(dirname(dirname(killed.stdout)))).toBe(false);
  });

  test.runIf(isLinux)("of a worker thread that was terminated, while its process lives", async () => {
    const text = `${WORKER}
      const living = await (await import(${INDEX})).Vsync.open().then((v) => v.path("API_KEY"));
      const before = existsSync(left);
      await worker.terminate();
      await import(${INDEX}).then(({ Vsync }) => Vsync.open()).then((v) => v.path("API_KEY"));
      process.stdout.write(JSON.stringify([before, existsSync(left), existsSync(living)]));
    `;
    const ended = await runModule(text, environmentOf(await directoryVault()));
    expect(ended).toEqual({ stdout: "[true,false,true]", stderr: "", status: 0 });
  });

  test("of a worker thread whose process ended under it", async () => {
    const env = environmentOf(await directoryVault());
    const { stdout } = await runModule(`${WORKER} process.stdout.write(left, () => process.exit());`, env);
    await runModule(OPEN, env);
    expect(stdout).toMatch(/API_KEY$/);
    expect(existsSync(dirname(dirname(stdout)))).toBe(false);
  });
});

describe("leftover folders", () => {
  test.each([
    ["a process that has ended", ofPid(NO_PROCESS), 0],
    ["this process", (name: string) => name, 1],
    ["a thread of this process that has ended", ofThread(NO_PROCESS), isLinux ? 0 : 1],
    ["a thread that cannot be known", ofThread(0), 1],
    ["a process of another machine or container", (name: string) => elsewhere(ofPid(NO_PROCESS)(name)), 1],
    ["a thread of a process of another machine", (name: string) => elsewhere(ofThread(NO_PROCESS)(name)), 1],
    ["nobody that the name tells of", () => "vsync.mine", 1],
  ])("the folder of %s", async (_, change, left) => {
    const parent = await folderWith(change);
    await removeLeftFolders(parent);
    expect(await readdir(parent)).toHaveLength(left);
  });

  test("are never links, files, or folders that others own or may enter", async () => {
    const parent = await temporaryFolder();
    const place = async () => join(parent, ofPid(NO_PROCESS)(await newFolderName()));
    const [link, file, open, foreign] = [await place(), await place(), await place(), await place()];
    const victim = join(await temporaryFolder(), "victim");
    await mkdir(join(victim, "precious"), { recursive: true });
    await symlink(victim, link);
    await writeFile(file, "");
    await mkdir(open, { mode: 0o755 });
    if (ROOT) await mkdir(foreign, { mode: 0o700 });
    if (ROOT) await chown(foreign, 65534, 65534);
    const before = await readdir(parent);
    await removeLeftFolders(parent);
    expect([before.length, await readdir(parent)]).toEqual([ROOT ? 4 : 3, before]);
    expect(await readdir(victim)).toEqual(["precious"]);
  });

  test.runIf(isLinux)("of threads stay if the kernel does not show threads", async () => {
    const parent = await folderWith(ofThread(NO_PROCESS));
    vi.mocked(existsSync).mockReturnValue(false);
    onTestFinished(() => void vi.mocked(existsSync).mockReset().mockImplementation(real.existsSync));
    await removeLeftFolders(parent);
    expect(await readdir(parent)).toHaveLength(1);
  });

  test("stay if the folder cannot be read", async () => {
    await expect(removeLeftFolders("/nowhere")).resolves.toBeUndefined();
  });
});
