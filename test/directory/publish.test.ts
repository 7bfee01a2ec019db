import type * as FileSystem from "node:fs/promises";
import { link, open, rename, unlink } from "node:fs/promises";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { proveHardLinks } from "../../src/directory/folders.ts";
import { ConflictError, OutcomeUnknownError, S3UnreachableError } from "../../src/errors.ts";
import { keysOf } from "../contract/fixture.ts";
import { newStore, read, text } from "./fixture.ts";

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof FileSystem>();
  const mocked = { link: vi.fn(original.link), rename: vi.fn(original.rename), unlink: vi.fn(original.unlink) };
  return { ...original, ...mocked, open: vi.fn(original.open) };
});

const real = await vi.importActual<typeof FileSystem>("node:fs/promises");

beforeEach(() => {
  vi.mocked(link).mockReset().mockImplementation(real.link);
  vi.mocked(rename).mockReset().mockImplementation(real.rename);
  vi.mocked(open).mockReset().mockImplementation(real.open);
  vi.mocked(unlink).mockReset().mockImplementation(real.unlink);
});

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code, syscall: "link" });
}

describe("file systems that misbehave", () => {
  test.each(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])(
    "no hard links (%s): said so, nothing stays",
    async (code) => {
      const { store, root, folder } = await newStore();
      vi.mocked(link).mockRejectedValue(systemError(code));
      // The check that `init` and `doctor` make.
      await expect(proveHardLinks(root)).rejects.toThrow(`cannot create ${root}: its file system has no hard links`);
      expect((await real.readdir(root)).filter((name) => name.startsWith("probe"))).toEqual([]);
      const creating = store.create("manifest", text("one"));
      await expect(creating).rejects.toThrow(S3UnreachableError);
      await expect(creating).rejects.toThrow(`cannot create ${folder}manifest: its file system has no hard links`);
      expect(await keysOf(store)).toEqual([]);
      expect(await real.readdir(`${folder}.vsync`)).toEqual([]);
    },
  );

  test("a failed link is not a conflict and leaves nothing behind", async () => {
    const { store, folder } = await newStore();
    vi.mocked(link).mockRejectedValue(systemError("EIO"));
    await expect(store.create("manifest", text("one"))).rejects.toThrow(
      `cannot write ${folder}manifest: input/output error (EIO)`,
    );
    expect(await real.readdir(`${folder}.vsync`)).toEqual([]);
  });

  test("a link that worked but reports EEXIST is a success", async () => {
    const { store } = await newStore();
    vi.mocked(link).mockImplementation(async (from, to) => {
      await real.link(from, to);
      throw systemError("EEXIST");
    });
    const version = await store.create("manifest", text("one"));
    expect(await store.head("manifest")).toBe(version);
  });

  test("EEXIST with another writer's equal bytes is a conflict", async () => {
    const { store, folder } = await newStore();
    vi.mocked(link).mockImplementation(async () => {
      await real.writeFile(`${folder}manifest`, "one");
      throw systemError("EEXIST");
    });
    await expect(store.create("manifest", text("one"))).rejects.toThrow(ConflictError);
  });

  test("EEXIST is a conflict even if the object is gone by then", async () => {
    const { store } = await newStore();
    vi.mocked(link).mockRejectedValue(systemError("EEXIST"));
    await expect(store.create("manifest", text("one"))).rejects.toThrow(ConflictError);
  });

  test("a rename that worked but reports a failure is a success", async () => {
    const { store } = await newStore();
    const version = await store.create("manifest", text("one"));
    vi.mocked(rename).mockImplementation(async (from, to) => {
      await real.rename(from, to);
      throw systemError("ENOENT");
    });
    await store.replace("manifest", text("two"), version);
    expect(await read(store, "manifest")).toBe("two");
  });

  test("a failed rename keeps the old object and leaves nothing behind", async () => {
    const { store, folder } = await newStore();
    const version = await store.create("manifest", text("one"));
    vi.mocked(rename).mockRejectedValue(systemError("EIO"));
    await expect(store.replace("manifest", text("two"), version)).rejects.toThrow("input/output error (EIO)");
    expect(await read(store, "manifest")).toBe("one");
    expect(await real.readdir(`${folder}.vsync`)).toEqual([]);
  });

  test("a failed rename is the error, even if the object cannot be read", async () => {
    const { store, folder } = await newStore();
    const version = await store.create("manifest", text("one"));
    vi.mocked(rename).mockImplementation(async () => {
      await real.rm(`${folder}manifest`);
      await real.symlink("/nowhere", `${folder}manifest`);
      throw systemError("EIO");
    });
    await expect(store.replace("manifest", text("two"), version)).rejects.toThrow(S3UnreachableError);
  });

  test("a failed rename is the error, even if the object is gone", async () => {
    const { store, folder } = await newStore();
    const version = await store.create("manifest", text("one"));
    vi.mocked(rename).mockImplementation(async () => {
      await real.rm(`${folder}manifest`);
      throw systemError("EIO");
    });
    await expect(store.replace("manifest", text("two"), version)).rejects.toThrow("input/output error (EIO)");
  });

  test("deleting an object that another process has just deleted succeeds", async () => {
    const { store, folder } = await newStore();
    await store.create("manifest", text("one"));
    vi.mocked(unlink).mockImplementation(async (path) => {
      await real.unlink(path);
      throw systemError("ENOENT");
    });
    await store.delete("manifest");
    expect(await real.readdir(folder)).toEqual([".vsync"]);
  });

  test("an object that cannot be deleted stays, and the error says so", async () => {
    const { store, folder } = await newStore();
    await store.create("manifest", text("one"));
    vi.mocked(unlink).mockRejectedValue(systemError("EIO"));
    await expect(store.delete("manifest")).rejects.toThrow(`cannot delete ${folder}manifest: input/output error (EIO)`);
    expect(await read(store, "manifest")).toBe("one");
  });

  test.each(["create", "replace"])("%s: if the folder cannot be flushed, the outcome is unknown", async (operation) => {
    const { store, folder } = await newStore();
    const version = await store.create("manifest", text("one"));
    failSync(folder.slice(0, -1), "EIO");
    const write =
      operation === "create" ? store.create("v=1", text("two")) : store.replace("manifest", text("two"), version);
    await expect(write).rejects.toThrow(OutcomeUnknownError);
    await expect(write).rejects.toThrow("was written, but may not survive a power cut: input/output error (EIO)");
  });

  test.each(["EINVAL", "EISDIR", "ENOTSUP"])(
    "a platform that cannot flush folders (%s) is not a failure",
    async (code) => {
      const { store, folder } = await newStore();
      await store.create("v=1", text("one"));
      failSync(folder.slice(0, -1), code);
      await store.create("manifest", text("two"));
      expect(await read(store, "manifest")).toBe("two");
    },
  );
});

test("an existing key is a conflict before anything is written", async () => {
  const { store } = await newStore();
  await store.create("manifest", text("one"));
  vi.mocked(open).mockClear();
  await expect(store.create("manifest", text("two"))).rejects.toThrow(ConflictError);
  expect(open).not.toHaveBeenCalled();
});

test("a stale version is a conflict before anything is written", async () => {
  const { store, folder } = await newStore();
  await store.create("manifest", text("one"));
  await real.rmdir(`${folder}.vsync`);
  await expect(store.replace("manifest", text("two"), "stale")).rejects.toThrow(ConflictError);
  expect(await real.readdir(folder)).toEqual(["manifest"]);
});

test.each([-1, 1])("an object whose file changes size (by %i) while it is read is an error", async (byBytes) => {
  const { store } = await newStore();
  await store.create("manifest", text("one"));
  vi.mocked(open).mockImplementation(async (...args) => {
    const handle = await real.open(...args);
    const stats = await handle.stat();
    stats.size += byBytes;
    return Object.assign(handle, { stat: () => Promise.resolve(stats) });
  });
  await expect(store.get("manifest", { maxBytes: 100 })).rejects.toThrow("manifest changed while it was read");
});

describe("after a power cut", () => {
  test("the bytes reach the disk before the name, and the name before the write returns", async () => {
    const { store, folder } = await newStore();
    const events = recordEvents(folder);
    const version = await store.create("manifest", text("one"));
    expect(events).toEqual(["flush vsync", "flush api", "flush prod", "flush temp", "link", "flush prod"]);
    events.length = 0;
    await store.replace("manifest", text("two"), version);
    expect(events).toEqual(["flush temp", "flush claim", "rename", "flush prod"]);
    events.length = 0;
    await store.delete("manifest");
    expect(events).toEqual(["flush prod"]);
    events.length = 0;
    await store.create("audit/1", text("row"));
    expect(events).toEqual(["flush prod", "flush temp", "link", "flush audit"]);
  });
});

/** The flushes, links and renames, in order. */
function recordEvents(folder: string): string[] {
  const events: string[] = [];
  vi.mocked(open).mockImplementation(async (...args) => {
    const handle = await real.open(...args);
    const path = String(args[0]);
    const flush = handle.sync.bind(handle);
    handle.sync = () => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      events.push(`flush ${path.startsWith(`${folder}.vsync/`) ? name.slice(0, name.indexOf(".")) : name}`);
      return flush();
    };
    return handle;
  });
  vi.mocked(link).mockImplementation((...args) => {
    events.push("link");
    return real.link(...args);
  });
  vi.mocked(rename).mockImplementation((...args) => {
    events.push("rename");
    return real.rename(...args);
  });
  return events;
}

function failSync(path: string, code: string): void {
  vi.mocked(open).mockImplementation(async (...args) => {
    const handle = await real.open(...args);
    if (args[0] === path) handle.sync = () => Promise.reject(systemError(code));
    return handle;
  });
}
