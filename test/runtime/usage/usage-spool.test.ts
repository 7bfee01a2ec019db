import { rmSync } from "node:fs";
import { chown, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { UsageSpool } from "../../../src/runtime/usage/usage-spool.ts";
import { clockAt, rejection } from "../../support/world.ts";

// test/usage/recorder.test.ts shows a spool in use.

const TOKEN = `tok_${"a".repeat(32)}`;
const OTHER = `tok_${"b".repeat(32)}`;
const AT_MS = Date.parse("2026-11-29T09:00:00.000Z");
const MINUTE_MS = 60_000;

let parent: string;
let folder: string;
let warnings: string[];
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "vsync spool "));
  folder = join(parent, "usage");
  warnings = [];
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
});

interface Given {
  /** The system's report on the process that wrote the existing file. */
  readonly status?: "dead" | "alive" | "unknown";
  readonly maxBytes?: number;
  readonly token?: string;
  readonly key?: Uint8Array;
  readonly asked?: { push(identity: object): unknown };
  readonly pid?: number;
}

function spoolOf({ status = "dead", maxBytes = 10_000, token = TOKEN, asked = [], pid = 1, ...given }: Given = {}) {
  const self = async () => ({ place: "0123456789abcdef", pid, start: "77" });
  const processes = { self, status: async (identity: object) => (asked.push(identity), status) };
  const key = given.key ?? new Uint8Array(32).fill(3);
  const warn = (message: string) => void warnings.push(message);
  const spool = new UsageSpool({ folder, token, key, clock: clockAt(AT_MS), warn, maxBytes, processes });
  // Closes its file.
  onTestFinished(async () => void (await spool.cut()));
  return spool;
}

/** The bytes that a process appends before it is killed. */
async function left(lines: readonly string[], given: Given = {}): Promise<string> {
  const before = await readdir(folder).catch(() => [] as string[]);
  await spoolOf(given).append(lines);
  const [name] = (await readdir(folder)).filter((it) => !before.includes(it));
  return name ?? expect.unreachable();
}

test("makes its folder for this user alone, and only the last one of the path", async () => {
  await spoolOf().append(["a"]);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  await rm(parent, { recursive: true });
  expect(await rejection(spoolOf().append(["a"]))).toMatchObject({ name: "S3UnreachableError" });
});

test("a folder that could not be made is tried again", async () => {
  await writeFile(folder, "");
  const spool = spoolOf();
  expect(await rejection(spool.append(["a"]))).toMatchObject({
    message: `${folder} is not a folder that only this user can enter`,
  });
  await rm(folder);
  await spool.append(["a"]);
  expect(await spoolOf().takeLeft()).toEqual(["a"]);
});

test("a link to a folder is refused: somebody else may have planted it", async () => {
  await mkdir(`${folder}.elsewhere`, { mode: 0o700 });
  await symlink(`${folder}.elsewhere`, folder);
  expect(await rejection(spoolOf().append(["a"]))).toMatchObject({
    name: "AccessDeniedError",
    hint: expect.stringContaining("VSYNC_USAGE_SPOOL"),
  });
});

test.runIf(process.getuid?.() === 0)("refuses another user's folder, whatever its mode", async () => {
  await mkdir(folder, { mode: 0o700 });
  await chown(folder, 65534, 65534);
  expect(await rejection(spoolOf().append(["a"]))).toMatchObject({ name: "AccessDeniedError" });
});

test("checks whether the process named by a file still runs", async () => {
  await left(["a"], { pid: 4711 });
  const asked: object[] = [];
  expect(await spoolOf({ status: "alive", asked }).takeLeft()).toEqual([]);
  expect(asked).toEqual([{ place: "0123456789abcdef", pid: 4711, start: "77" }]);
});

test("leaves files alone that are not its own", async () => {
  await left(["a"]);
  const [name = ""] = await readdir(folder);
  const foreign = ["README", `${name}.bak`, `x${name}`, name.replace(/\.77\./, ".")];
  for (const it of foreign) await writeFile(join(folder, it), "\nx");
  expect(await spoolOf().takeLeft()).toEqual(["a"]);
  expect(await spoolOf({ pid: 2 }).dropLeft()).toBe(1);
  expect((await readdir(folder)).toSorted()).toEqual(foreign.toSorted());
  expect(warnings).toEqual([]);
});

test("what is appended under another key is not read as its own", async () => {
  await left(["a"], { key: new Uint8Array(32).fill(9) });
  await left(["b", "c"]);
  expect(await spoolOf().takeLeft()).toEqual(["b", "c"]);
});

test.each(["dead", "unknown"] as const)("what another process takes first is its own: %s", async (status) => {
  const path = join(folder, await left(["a"]));
  const asked = { push: () => rmSync(path, { force: true }) };
  expect(await spoolOf({ status, asked }).takeLeft()).toEqual([]);
  await left(["b"]);
  expect(await spoolOf().takeLeft()).toEqual(["b"]);
});

test("a file that cannot be read hides no other, and stays", async () => {
  const name = await left(["a"]);
  await mkdir(join(folder, `${name.slice(0, -"0123456789abcdef.spool".length)}${"f".repeat(16)}.spool`));
  await left(["b"]);
  const spool = spoolOf({ pid: 2 });
  expect((await spool.takeLeft()).toSorted()).toEqual(["a", "b"]);
  expect(warnings).toEqual([
    expect.stringMatching(`not sent: cannot read ${folder}/${TOKEN}.*\\.2\\.77\\..*: it is a folder`),
  ]);
  await (await spool.cut()).remove();
  expect(await readdir(folder)).toHaveLength(1);
});

test("renames what it takes over, and removes it once it is in batches", async () => {
  const name = await left(["a"]);
  const spool = spoolOf({ pid: 2 });
  await spool.takeLeft();
  const [taken = ""] = await readdir(folder);
  expect([taken === name, taken.includes(".2.77.")]).toEqual([false, true]);
  await (await spool.cut()).remove();
  expect(await readdir(folder)).toEqual([]);
});

test("a file of a process elsewhere counts as abandoned after a quarter of an hour", async () => {
  const path = join(folder, await left(["a"]));
  const touched = (ageMs: number) => utimes(path, new Date(AT_MS - ageMs), new Date(AT_MS - ageMs));
  await touched(15 * MINUTE_MS);
  expect(await spoolOf({ status: "unknown" }).takeLeft()).toEqual([]);
  await touched(15 * MINUTE_MS + 1);
  expect(await spoolOf({ status: "unknown" }).takeLeft()).toEqual(["a"]);
});

test("drops what ended processes of this token left, and says how many files that were", async () => {
  await left(["a"]);
  await left(["b"]);
  const others = await left(["c"], { token: OTHER });
  expect(await spoolOf({ status: "alive" }).dropLeft()).toBe(0);
  expect(await spoolOf().dropLeft()).toBe(2);
  expect(await readdir(folder)).toEqual([others]);
  expect(await spoolOf().takeLeft()).toEqual([]);
  expect(warnings).toEqual([expect.stringMatching(`^${folder} .*${OTHER} .*vsync usage send --drop=${OTHER}`)]);
});

test("accepts bytes up to its limit, including those it took over, and frees room as it removes them", async () => {
  const size = (await stat(join(folder, await left(["12345"])))).size;
  const spool = spoolOf({ maxBytes: 3 * size });
  expect(await spool.takeLeft()).toEqual(["12345"]);
  await spool.append(["12345"]);
  await spool.append(["12345"]);
  const full = { name: "S3UnreachableError", message: expect.stringContaining(`${3 * size} bytes`) };
  expect(await rejection(spool.append(["12345"]))).toMatchObject({ ...full, hint: expect.any(String) });
  const cut = await spool.cut();
  expect(await rejection(spool.append(["12345"]))).toMatchObject(full);
  await cut.remove();
  expect(await readdir(folder)).toEqual([]);
  await spool.append(["12345"]);
  const second = await spool.cut();
  await spool.append(["12345"]);
  await second.remove();
  for (let times = 0; times < 2; times++) await spool.append(["12345"]);
  expect(await rejection(spool.append(["12345"]))).toMatchObject(full);
});

test("what is cut before anything was appended removes nothing, nor twice", async () => {
  const spool = spoolOf();
  await (await spool.cut()).remove();
  await spool.append(["a"]);
  const part = await spool.cut();
  await spool.append(["b"]);
  await part.remove();
  await part.remove();
  expect(await spoolOf({ pid: 2 }).takeLeft()).toEqual(["b"]);
});

test("does not keep its caller's key: that one is zeroed", async () => {
  const key = new Uint8Array(32).fill(5);
  const spool = spoolOf({ key });
  key.fill(0);
  await spool.append(["a"]);
  expect(await spoolOf({ key: new Uint8Array(32).fill(5) }).takeLeft()).toEqual(["a"]);
});
