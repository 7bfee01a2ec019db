import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  CacheFault,
  isTimeSealed,
  readCache,
  type SealedCopy,
  sealTime,
  writeCache,
} from "../../../src/runtime/cache/cache.ts";
import { RootKeys } from "../../../src/vault/unlock/bundle-keys.ts";
import { openFilesBelow } from "../../support/open-files.ts";
import { rejectionOf, temporaryFolder } from "../fixture.ts";

const KEYS = RootKeys.ofReader(new Uint8Array(32).fill(7));
const MANIFEST = Uint8Array.of(1, 10, 3);
const COPY: SealedCopy = {
  atMs: 1_700_000_000_000,
  manifest: MANIFEST,
  bundle: Uint8Array.of(10, 0, 255, 10),
  mac: sealTime(KEYS, 1_700_000_000_000, MANIFEST),
};
const MAX_BYTES = 4096;
const OTHER_FORM = "vsync did not write it";

async function written(copy: SealedCopy = COPY): Promise<string> {
  const path = join(await temporaryFolder(), "vault.cache");
  await writeCache(path, copy);
  return path;
}

/** The first line, as another program might write it. */
async function withHeader(change: (header: Record<string, unknown>) => unknown): Promise<string> {
  const path = await written();
  const bytes = await readFile(path);
  const end = bytes.indexOf("\n");
  const header = change(JSON.parse(bytes.toString("utf8", 0, end)) as Record<string, unknown>);
  const line = typeof header === "string" ? header : JSON.stringify(header);
  await writeFile(path, Buffer.concat([Buffer.from(line), bytes.subarray(end)]));
  return path;
}

async function faultOf(path: string, maxBytes = MAX_BYTES): Promise<string> {
  const error = await rejectionOf(readCache(path, maxBytes));
  expect(error).toBeInstanceOf(CacheFault);
  return (error as CacheFault).message;
}

describe("a written copy is read", () => {
  test("unchanged", async () => {
    const { atMs, mac, ...read } = await readCache(await written(), MAX_BYTES);
    expect({ atMs, mac }).toEqual({ atMs: COPY.atMs, mac: COPY.mac });
    expect(Uint8Array.from(read.manifest)).toEqual(COPY.manifest);
    expect(Uint8Array.from(read.bundle)).toEqual(COPY.bundle);
  });

  test("up to the limit of bytes and not beyond", async () => {
    const path = await written();
    const { size } = await stat(path);
    expect(await readCache(path, size)).toMatchObject({ atMs: COPY.atMs });
    expect(await faultOf(path, size - 1)).toBe(OTHER_FORM);
  });

  test("from the first moment, and without content", async () => {
    const path = await written({ ...COPY, atMs: 0, manifest: new Uint8Array(), bundle: new Uint8Array() });
    expect(await readCache(path, MAX_BYTES)).toMatchObject({ atMs: 0, manifest: { length: 0 }, bundle: { length: 0 } });
  });
});

describe("other forms are refused", () => {
  const FORMS: Record<string, (header: Record<string, unknown>) => unknown> = {
    "another format": (header) => ({ ...header, format: "vsync-cache-v2" }),
    "a time that is text": (header) => ({ ...header, at: String(COPY.atMs) }),
    "a time before the epoch": (header) => ({ ...header, at: -1 }),
    "a manifest of less than nothing": (header) => ({ ...header, manifest: -1, bundle: 8 }),
    "a manifest of a part of a byte": (header) => ({ ...header, manifest: 2.5, bundle: 4.5 }),
    "a bundle of less than nothing": (header) => ({ ...header, manifest: 8, bundle: -1 }),
    "no size of a bundle": ({ bundle: _, ...header }) => header,
    "a seal that is not text": (header) => ({ ...header, mac: 5 }),
    "no object": () => "null",
    "no JSON": () => "vsync-cache-v1",
  };

  test.each(Object.keys(FORMS))("%s", async (name) => {
    expect(await faultOf(await withHeader(FORMS[name]!))).toBe(OTHER_FORM);
  });

  test("without a line end", async () => {
    const path = join(await temporaryFolder(), "vault.cache");
    await writeFile(path, '{"format":"vsync-cache-v1","at":1,"manifest":0,"bundle":0,"mac":""}');
    expect(await faultOf(path)).toBe(OTHER_FORM);
  });

  test("a folder, and a named pipe without a writer", async () => {
    const folder = await temporaryFolder();
    expect(await faultOf(folder)).toBe(OTHER_FORM);
    execFileSync("mkfifo", [join(folder, "pipe")]);
    expect(await faultOf(join(folder, "pipe"))).toBe(OTHER_FORM);
  });

  test.each([
    ["longer", (path: string, size: number) => truncate(path, size + 1)],
    ["shorter", (path: string, size: number) => truncate(path, size - 1)],
  ])("one that has become %s is reported as cut or altered", async (_, change) => {
    const path = await written();
    await change(path, (await stat(path)).size);
    expect(await faultOf(path)).toBe("it is cut or altered");
  });

  test("without leaving a file open", async () => {
    const path = await written();
    await readCache(path, MAX_BYTES);
    await faultOf(path, 1);
    expect(openFilesBelow(join(path, ".."))).toEqual([]);
  });
});

describe("a copy that cannot be written", () => {
  test("leaves the old copy and nothing else", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "vault.cache");
    await mkdir(join(path, "precious"), { recursive: true });
    expect(await rejectionOf(writeCache(path, COPY))).toMatchObject({ code: "EISDIR" });
    expect([await readdir(folder), await readdir(path)]).toEqual([["vault.cache"], ["precious"]]);
    expect(openFilesBelow(folder)).toEqual([]);
  });

  // sysfs(5) refuses new files, even for root.
  test.runIf(existsSync("/sys/kernel"))("says why, and not what became of cleaning up", async () => {
    const error = await rejectionOf(writeCache("/sys/kernel/vault.cache", COPY));
    expect(error).toMatchObject({ code: expect.stringMatching(/^(EACCES|EPERM|EROFS)$/) });
  });
});

describe("the time is sealed", () => {
  test("with the vault's key, for this manifest", () => {
    expect(isTimeSealed(COPY, KEYS)).toBe(true);
    expect(isTimeSealed({ ...COPY, atMs: COPY.atMs + 1 }, KEYS)).toBe(false);
    expect(isTimeSealed({ ...COPY, manifest: Uint8Array.of(1, 10, 4) }, KEYS)).toBe(false);
    expect(isTimeSealed(COPY, RootKeys.ofReader(new Uint8Array(32).fill(8)))).toBe(false);
  });

  test.each([
    ["", "nothing"],
    [COPY.mac.slice(0, -1), "a part of the seal"],
    [`${COPY.mac}0`, "more than the seal"],
  ])("refuses %j: %s", (mac) => {
    expect(isTimeSealed({ ...COPY, mac }, KEYS)).toBe(false);
  });
});
