import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint, objectPath, rootOf } from "../../src/directory/location.ts";
import { InputError } from "../../src/errors.ts";
import { temporaryFolder } from "./fixture.ts";

test.each([
  ["file:///var/lib/vsync", "manifest", "/var/lib/vsync/vsync/api/prod/manifest"],
  ["file:///var/lib/vsync", "v=20260102T030405678Z", "/var/lib/vsync/vsync/api/prod/v=20260102T030405678Z"],
  ["file:///var/lib/vsync", "audit/000000000012", "/var/lib/vsync/vsync/api/prod/audit/000000000012"],
  ["file:///srv/two%20words/na%C3%AFve", "manifest", "/srv/two words/naïve/vsync/api/prod/manifest"],
  ["file:///srv/100%25%23%3F", "manifest", "/srv/100%#?/vsync/api/prod/manifest"],
])("%s, %s", (endpoint, key, path) => {
  expect(objectPath({ endpoint, bucket: "vsync", prefix: "api/prod/" }, key)).toBe(path);
});

test.each([
  "file:///",
  "file://",
  "file:///a/",
  "file:///a//b",
  "file:///a/../b",
  "file:///a/%2e%2e/b",
  "file:///a/./b",
  "file:///a%2Fb",
  "file:///a%00",
  "file:///a%",
  "file:///%ff",
  "file:///a?b",
  "file:///a#b",
  "file://host/a",
  "FILE:///a",
  "https://example.com",
  "/a/b",
  "",
])("endpoint %j is refused", (endpoint) => {
  expect(() => objectPath({ endpoint, bucket: "vsync", prefix: "api/prod/" }, "manifest")).toThrow(InputError);
  expect(() => openDirectoryStore({ endpoint, bucket: "vsync", prefix: "api/prod/" })).toThrow(InputError);
});

test.each(["", ".", "..", "a/b", "a\0", ".vsync"])("bucket %j is refused", (bucket) => {
  expect(() => objectPath({ endpoint: "file:///a", bucket, prefix: "api/prod/" }, "manifest")).toThrow(InputError);
});

test.each(["", "/", "api", "/api/", "api//prod/", "../", "api/../../", "./", "api/.vsync/", "a\0/"])(
  "prefix %j is refused",
  (prefix) => {
    expect(() => objectPath({ endpoint: "file:///a", bucket: "vsync", prefix }, "manifest")).toThrow(InputError);
  },
);

test.each([
  "",
  "/",
  "..",
  "../manifest",
  "audit/../../x",
  "audit/",
  "/manifest",
  "a//b",
  ".vsync/x",
  ".VSYNC/x",
  "a\0",
])("key %j is refused by every operation", async (key) => {
  const location = { endpoint: fileEndpoint(await temporaryFolder()), bucket: "vsync", prefix: "api/prod/" };
  const store = openDirectoryStore(location);
  expect(() => objectPath(location, key)).toThrow(InputError);
  await expect(store.head(key)).rejects.toThrow(InputError);
  await expect(store.get(key, { maxBytes: 1 })).rejects.toThrow(InputError);
  await expect(store.create(key, new Uint8Array(1))).rejects.toThrow(InputError);
  await expect(store.replace(key, new Uint8Array(1), "")).rejects.toThrow(InputError);
  await expect(store.delete(key)).rejects.toThrow(InputError);
});

test("a listing cannot leave the store", async () => {
  const location = { endpoint: fileEndpoint(await temporaryFolder()), bucket: "vsync", prefix: "api/prod/" };
  await createDirectoryRoot(location);
  const list = openDirectoryStore(location).list("../");
  await expect(list[Symbol.asyncIterator]().next()).rejects.toThrow(InputError);
});

test.each(["/srv/two words/naïve", "/srv/100%#?", "/a"])("the endpoint of %s gives back its path", (folder) => {
  expect(objectPath({ endpoint: fileEndpoint(folder), bucket: "b", prefix: "p/" }, "k")).toBe(`${folder}/b/p/k`);
  expect(fileEndpoint(`${folder}/`)).toBe(fileEndpoint(folder));
});

test.each(["", "/", "a/b", "./a"])("%j has no endpoint", (folder) => {
  expect(() => fileEndpoint(folder)).toThrow(InputError);
});

test("the root is made 0700 with the folders above it, and may be made again", async () => {
  const folder = await temporaryFolder();
  const bucket = { endpoint: fileEndpoint(`${folder}/data/stores`), bucket: "vsync" };
  await createDirectoryRoot(bucket);
  await createDirectoryRoot(bucket);
  for (const made of ["data", "data/stores", "data/stores/vsync"]) {
    expect((await stat(`${folder}/${made}`)).mode & 0o7777).toBe(0o700);
  }
});

test.each([
  ["C:\\Users\\ann", "file:///C:/Users/ann", "C:/Users/ann/vaults"],
  ["d:/two words\\naïve\\", "file:///d:/two%20words/na%C3%AFve", "d:/two words/naïve/vaults"],
])("on Windows, %s is %s", (folder, endpoint, root) => {
  expect(fileEndpoint(folder, "win32")).toBe(endpoint);
  expect(rootOf({ endpoint, bucket: "vaults" }, "win32")).toBe(root);
});

test.each(["\\Users", "Users\\ann", "C:", "C:\\", "\\\\server\\share", "/srv/vaults", "CC:\\a"])(
  "on Windows, %s is not an absolute path",
  (folder) => {
    expect(() => fileEndpoint(folder, "win32")).toThrow(`${folder} is not an absolute path below a drive`);
  },
);

test.each(["srv/vaults", "C%3A/a%5Cb", "C:", "C:/a:stream", "C:/a./b", "C:/..", "C:/a/", "C:/a%2Fb", "1:/a"])(
  "on Windows, file:///%s is refused",
  (path) => {
    expect(() => rootOf({ endpoint: `file:///${path}`, bucket: "vaults" }, "win32")).toThrow(
      "is not an endpoint of a directory store",
    );
  },
);
