import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { refuseUnsafeFolders, writeFileBelow } from "../../src/disk/files-below.ts";
import { InputError } from "../../src/errors.ts";

type FileSystem = typeof import("node:fs/promises");

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<FileSystem>();
  return { ...original, open: vi.fn(original.open) };
});

const real = await vi.importActual<FileSystem>("node:fs/promises");
const isRoot = process.geteuid?.() === 0;
const BYTES = Buffer.from("secret");

let root: string;
beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), "vsync-below-")), "root");
  await mkdir(root, { mode: 0o700 });
});
afterEach(() => rm(join(root, ".."), { recursive: true }));

test("a file appears below the folder, both for this user alone", async () => {
  await writeFileBelow(join(root, "new"), "a/b/file", BYTES);
  expect(await readFile(join(root, "new/a/b/file"), "utf8")).toBe("secret");
  const modes = await Promise.all(["new", "new/a", "new/a/b", "new/a/b/file"].map((it) => stat(join(root, it))));
  expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o700, 0o700, 0o700, 0o600]);
  expect(await readdir(join(root, "new/a/b"))).toEqual(["file"]);
});

/** Both check the folders: the plan before the first write, and every write again. */
const lookers: readonly [string, (name: string) => Promise<void>][] = [
  ["the plan", (name) => refuseUnsafeFolders(root, name)],
  ["the write", (name) => writeFileBelow(root, name, BYTES)],
];

describe.each(lookers)("%s refuses", (_name, look) => {
  test.each([
    [0o777, "0777"],
    [0o702, "0702"],
    [0o775, "0775"],
  ])("a folder that others may write: %o", async (mode, shown) => {
    await mkdir(join(root, "a"));
    for (const folder of [join(root, "a"), root]) {
      await chmod(folder, mode);
      if (isRoot) await chown(folder, 0, 1234);
      await expect(look("a/file")).rejects.toMatchObject({
        name: "InputError",
        message: `${folder} can be changed by other users (mode ${shown}): somebody could redirect what vsync writes there`,
        hint: "name a folder that only you can write, as in --files-dir=secrets, or chmod go-w it",
      });
    }
    expect(await readdir(join(root, "a"))).toEqual([]);
  });

  test.runIf(isRoot)("a folder of another user", async () => {
    await mkdir(join(root, "a"));
    await chown(join(root, "a"), 1234, 1234);
    await expect(look("a/file")).rejects.toThrow(`${join(root, "a")} belongs to another user (uid 1234): somebody`);
  });

  test("a link and a file in the place of a folder", async () => {
    await mkdir(join(root, "elsewhere"));
    await symlink("elsewhere", join(root, "link"));
    await writeFile(join(root, "file"), "");
    await expect(look("link/file")).rejects.toThrow(`${join(root, "link")} is a symbolic link, which is not followed`);
    await expect(look("file/file")).rejects.toThrow(`${join(root, "file")} is not a folder`);
    expect(await readdir(join(root, "elsewhere"))).toEqual([]);
  });
});

describe.each(lookers)("%s accepts", (_name, look) => {
  test("a folder with the sticky bit, in which others cannot swap ours", async () => {
    await chmod(root, 0o1777);
    await expect(look("a/file")).resolves.toBeUndefined();
  });

  test.runIf(isRoot)("a folder that the user's own group may write", async () => {
    await chmod(root, 0o775);
    await expect(look("a/file")).resolves.toBeUndefined();
  });

  test("a link as the folder itself: the user named it", async () => {
    const named = join(root, "../named");
    await symlink("root", named);
    await expect(refuseUnsafeFolders(named, "a/file")).resolves.toBeUndefined();
    await writeFileBelow(named, "file", BYTES);
    expect(await readFile(join(root, "file"), "utf8")).toBe("secret");
  });
});

test.runIf(process.platform === "linux")(
  "a folder that is swapped for a link once it is open redirects nothing",
  async () => {
    const victim = join(root, "../victim");
    await mkdir(victim);
    await mkdir(join(root, "a"));
    vi.mocked(open).mockImplementation(async (path, ...rest) => {
      const handle = await real.open(path, ...rest);
      if (String(path).endsWith("/a")) {
        await rename(join(root, "a"), join(root, "moved"));
        await symlink(victim, join(root, "a"));
      }
      return handle;
    });
    onTestFinished(() => void vi.mocked(open).mockReset().mockImplementation(real.open));
    await writeFileBelow(root, "a/file", BYTES);
    expect(await readdir(victim)).toEqual([]);
    expect(await readdir(join(root, "moved"))).toEqual(["file"]);
  },
);

test("other failures pass as they are", async () => {
  await expect(writeFileBelow("/proc/none", "a/file", BYTES)).rejects.not.toBeInstanceOf(InputError);
});
