import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import { AccessDeniedError, ConflictError, S3UnreachableError } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { BUNDLE, keysOf, ROW } from "../contract/fixture.ts";
import { newStore, read, temporaryFolder, text } from "./fixture.ts";
import { StoreProcess } from "./processes.ts";

const MAX = { maxBytes: 100 };

async function expectEveryCall(store: ObjectStore, error: typeof S3UnreachableError, message: string): Promise<void> {
  const calls = [
    store.head("manifest"),
    store.get("manifest", MAX),
    store.create("manifest", text("one")),
    store.replace("manifest", text("two"), "version"),
    store.delete("manifest"),
    keysOf(store),
    keysOf(store, "audit/"),
  ];
  for (const end of await Promise.allSettled(calls)) {
    expect(end).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining(message) } });
    expect(end.status === "rejected" && end.reason).toBeInstanceOf(error);
  }
}

test("an object is a plain file, and its version is the sha256 of its bytes", async () => {
  const { store, folder } = await newStore();
  const version = await store.create(ROW, text("row"));
  expect(version).toBe(createHash("sha256").update("row").digest("hex"));
  expect(await readFile(`${folder}${ROW}`, "utf8")).toBe("row");
  expect(store.label).toBe(folder);
});

test("files are 0600 and folders 0700 under any umask", async () => {
  const { location, folder, workFolder } = await newStore();
  const writer = await StoreProcess.start({
    location,
    umask: 0,
    interruption: { before: "rename", signal: "SIGSTOP" },
  });
  expect(await writer.ask({ operation: "create", key: ROW, content: "row" })).toHaveProperty("version");
  const created = await writer.ask({ operation: "create", key: "manifest", content: "one" });
  const version = created && "version" in created ? created.version : "";
  void writer.ask({ operation: "replace", key: "manifest", content: "two", version });
  await expect.poll(async () => (await readdir(workFolder)).length).toBe(2);
  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;
  for (const made of [folder, `${folder}../`, `${folder}audit`, workFolder]) expect(await modeOf(made)).toBe(0o700);
  const files = (await readdir(workFolder)).map((name) => `${workFolder}/${name}`);
  for (const made of [`${folder}${ROW}`, `${folder}manifest`, ...files]) expect(await modeOf(made)).toBe(0o600);
});

test("a missing root is an error that names the folder, which may not be mounted", async () => {
  const folder = await temporaryFolder();
  const store = openDirectoryStore({ endpoint: fileEndpoint(`${folder}/stick`), bucket: "vsync", prefix: "api/prod/" });
  await expectEveryCall(store, S3UnreachableError, `the store's folder ${folder}/stick/vsync does not exist`);
  expect(await readdir(folder)).toEqual([]);
});

test("every call names a file in the place of the root", async () => {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/vsync`, "");
  const location = { endpoint: fileEndpoint(folder), bucket: "vsync", prefix: "api/prod/" };
  await expectEveryCall(openDirectoryStore(location), S3UnreachableError, `${folder}/vsync`);
  await expect(createDirectoryRoot(location)).rejects.toThrow(`${folder}/vsync`);
});

test("a missing prefix is an empty store", async () => {
  const { store, root } = await newStore();
  expect(await store.head("manifest")).toBeNull();
  expect(await store.get("manifest", MAX)).toBeNull();
  expect(await keysOf(store, "audit/")).toEqual([]);
  await store.delete("manifest");
  expect(await readdir(root)).toEqual([]);
});

test.each(["secret", "nowhere"])("a symbolic link (to %s) is not followed", async (target) => {
  const { store, root, folder } = await newStore();
  await store.create(ROW, text("row"));
  await writeFile(`${root}/secret`, "not yours");
  await symlink(`${root}/${target}`, `${folder}manifest`);
  await expect(store.head("manifest")).rejects.toThrow(AccessDeniedError);
  await expect(store.get("manifest", MAX)).rejects.toThrow(`${folder}manifest is a symbolic link`);
  await expect(store.replace("manifest", text("mine"), "version")).rejects.toThrow(AccessDeniedError);
  await expect(store.create("manifest", text("mine"))).rejects.toThrow(ConflictError);
  expect(await keysOf(store)).toEqual([ROW]);
  await store.delete("manifest");
  expect(await readFile(`${root}/secret`, "utf8")).toBe("not yours");
  expect((await readdir(root)).toSorted()).toEqual(["api", "secret"]);
});

test.skipIf(process.platform === "win32")("a named pipe is refused, and nobody waits for its other end", async () => {
  const { store, folder } = await newStore();
  await store.create(ROW, text("row"));
  execFileSync("mkfifo", [`${folder}manifest`]);
  await expect(store.get("manifest", MAX)).rejects.toThrow(AccessDeniedError);
  await expect(store.create("manifest", text("mine"))).rejects.toThrow(ConflictError);
  expect(await keysOf(store)).toEqual([ROW]);
});

test("a folder is not an object", async () => {
  const { store, folder } = await newStore();
  await mkdir(`${folder}manifest`, { recursive: true });
  expect(await store.head("manifest")).toBeNull();
  await store.delete("manifest");
  expect(await readdir(folder)).toEqual(["manifest"]);
});

test("files in the work folder are not objects", async () => {
  const { store, workFolder } = await newStore();
  await store.create(BUNDLE, text("bundle"));
  await mkdir(`${workFolder}/below`);
  await writeFile(`${workFolder}/below/note`, "");
  await writeFile(`${workFolder}/note`, "");
  expect(await keysOf(store)).toEqual([BUNDLE]);
  await store.delete(BUNDLE);
  expect(await keysOf(store)).toEqual([]);
  expect((await readdir(workFolder)).toSorted()).toEqual(["below", "note"]);
});

test("a file larger than any object is not read whole, and its version matches none", async () => {
  const { store, folder } = await newStore();
  const version = await store.create("manifest", text("one"));
  await truncate(`${folder}manifest`, 256 * 1024 * 1024 + 1);
  const stored = await store.get("manifest", { maxBytes: 4 });
  expect(stored).toEqual({ bytes: Uint8Array.of(...text("one"), 0, 0), version: "larger than any object" });
  expect(await store.head("manifest")).not.toBe(version);
  await expect(store.replace("manifest", text("two"), version)).rejects.toThrow(ConflictError);
});

test("a socket is refused", async () => {
  const { store, folder } = await newStore();
  await store.create(ROW, text("row"));
  const server = createServer().listen(`${folder}manifest`);
  await once(server, "listening");
  await expect(store.get("manifest", MAX)).rejects.toThrow(AccessDeniedError);
  await expect(store.head("manifest")).rejects.toThrow(`${folder}manifest is a symbolic link or a special file`);
  server.close();
  await once(server, "close");
});

test("an aborted read ends between two chunks", async () => {
  const { store } = await newStore();
  await store.create(BUNDLE, new Uint8Array(8 * 1024 * 1024));
  const reason = new Error("enough");
  const controller = new AbortController();
  const reading = store.get(BUNDLE, { maxBytes: 8 * 1024 * 1024, signal: controller.signal });
  controller.abort(reason);
  await expect(reading).rejects.toBe(reason);
});

test.skipIf(process.getuid?.() === 0)(
  "a folder without permission is denied by name (root may do anything)",
  async () => {
    const { store, folder } = await newStore();
    const version = await store.create("manifest", text("one"));
    await chmod(folder, 0o500);
    try {
      await expect(store.create(BUNDLE, text("bundle"))).rejects.toThrow(
        `cannot write ${folder}${BUNDLE}: permission denied`,
      );
      await expect(store.delete("manifest")).rejects.toThrow(
        `cannot delete ${folder}manifest: permission denied (EACCES)`,
      );
      await chmod(folder, 0o000);
      await expect(store.get("manifest", MAX)).rejects.toThrow(AccessDeniedError);
      await expect(store.replace("manifest", text("two"), version)).rejects.toThrow(AccessDeniedError);
    } finally {
      await chmod(folder, 0o700);
    }
    expect(await read(store, "manifest")).toBe("one");
    await rm(folder, { recursive: true });
  },
);
