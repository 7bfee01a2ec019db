import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { AccessDeniedError, InputError, S3UnreachableError } from "../../../src/errors.ts";
import { PrivateFiles } from "../../../src/runtime/files/private-files.ts";
import { rejectionOf } from "../fixture.ts";

type FileSystem = typeof import("node:fs/promises");

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<FileSystem>();
  return { ...original, mkdir: vi.fn(original.mkdir), open: vi.fn(original.open), rm: vi.fn(original.rm) };
});

const real = await vi.importActual<FileSystem>("node:fs/promises");

beforeEach(() => {
  vi.mocked(mkdir).mockReset().mockImplementation(real.mkdir);
  vi.mocked(open).mockReset().mockImplementation(real.open);
  vi.mocked(rm).mockReset().mockImplementation(real.rm);
});

const BYTES = new TextEncoder().encode("planted");

function newFiles(): PrivateFiles {
  const files = new PrivateFiles();
  onTestFinished(() => {
    vi.mocked(rm).mockImplementation(real.rm);
    return files.remove().catch(() => {});
  });
  return files;
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code, syscall: "mkdir" });
}

/** The folder of all files of a handle. */
function folderOf(path: string): string {
  return dirname(dirname(path));
}

describe("a single failure", () => {
  test("names the path, leaves nothing for the exit, and may succeed the next time", async () => {
    const listeners = process.listenerCount("exit");
    const files = newFiles();
    vi.mocked(mkdir).mockRejectedValueOnce(systemError("ENOSPC"));
    const error = await rejectionOf(files.path("KEY", BYTES));
    expect(error).toBeInstanceOf(S3UnreachableError);
    expect((error as Error).message).toMatch(/^cannot create \/.*\/vsync\.[0-9a-f.]+: no space left on the device/);
    expect(process.listenerCount("exit")).toBe(listeners);
    expect(await readFile(await files.path("KEY", BYTES), "utf8")).toBe("planted");
  });

  test("even for one file of several", async () => {
    const files = newFiles();
    const first = await files.path("FIRST", BYTES);
    vi.mocked(open).mockRejectedValueOnce(systemError("EACCES"));
    const error = await rejectionOf(files.path("KEY", BYTES));
    expect(error).toBeInstanceOf(AccessDeniedError);
    expect((error as Error).message).toMatch(/^cannot write \/.*\/KEY: permission denied/);
    const path = await files.path("KEY", BYTES);
    expect([folderOf(path), await readFile(path, "utf8")]).toEqual([folderOf(first), "planted"]);
  });

  test("does not keep the others from being removed", async () => {
    const files = newFiles();
    const first = await files.path("FIRST", BYTES);
    vi.mocked(open).mockRejectedValueOnce(systemError("EACCES"));
    const failing = rejectionOf(files.path("KEY", BYTES));
    await files.remove();
    expect(await failing).toBeInstanceOf(AccessDeniedError);
    expect(existsSync(folderOf(first))).toBe(false);
  });
});

describe("removing", () => {
  test("leaves the exit what other handles still have, even if the app has removed some of it", async () => {
    const listeners = process.listenerCount("exit");
    const [closed, gone, left] = [newFiles(), newFiles(), newFiles()];
    await closed.path("KEY", BYTES);
    await real.rm(folderOf(await gone.path("KEY", BYTES)), { recursive: true });
    const path = await left.path("KEY", BYTES);
    await closed.remove();
    expect(process.listenerCount("exit")).toBe(listeners + 1);
    const atExit = process.listeners("exit").at(-1) as () => void;
    atExit();
    expect(existsSync(folderOf(path))).toBe(false);
  });

  test("reports what it could not remove, and the exit tries again", async () => {
    const listeners = process.listenerCount("exit");
    const files = newFiles();
    const path = await files.path("KEY", BYTES);
    vi.mocked(rm).mockRejectedValueOnce(systemError("EIO"));
    const error = await rejectionOf(files.remove());
    expect((error as Error).message).toBe(`cannot delete ${folderOf(path)}: input/output error (EIO)`);
    expect(process.listenerCount("exit")).toBe(listeners + 1);
    const atExit = process.listeners("exit").at(-1) as () => void;
    atExit();
    expect(existsSync(folderOf(path))).toBe(false);
    process.removeListener("exit", atExit);
  });

  test("accepts that the app has removed a file itself", async () => {
    const files = newFiles();
    const path = await files.path("KEY", BYTES);
    await real.rm(folderOf(path), { recursive: true });
    await files.remove();
  });

  test("without a file touches nothing", async () => {
    await newFiles().remove();
    expect(rm).not.toHaveBeenCalled();
  });

  test("waits for a first file whose folder is still being created", async () => {
    const files = newFiles();
    const writing = rejectionOf(files.path("KEY", BYTES));
    await files.remove();
    const error = await writing;
    expect(error).toBeInstanceOf(InputError);
    const [path = ""] = /^\/\S+/.exec((error as Error).message) ?? [];
    expect((await readdir(dirname(folderOf(path)))).filter((name) => folderOf(path).endsWith(name))).toEqual([]);
  });
});

test("leaves no descriptor open, even if a file cannot be written", async () => {
  const files = newFiles();
  const closed = vi.fn();
  vi.mocked(open).mockImplementationOnce(async (...args) => {
    const handle = await real.open(...args);
    const close = handle.close.bind(handle);
    handle.close = () => (closed(), close());
    handle.writeFile = () => Promise.reject(systemError("ENOSPC"));
    return handle;
  });
  expect(await rejectionOf(files.path("KEY", BYTES))).toBeInstanceOf(S3UnreachableError);
  expect(closed).toHaveBeenCalledTimes(1);
});
