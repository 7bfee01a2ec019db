/** @module-tag process */
import { readdir } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { keysOf, ROW } from "../contract/fixture.ts";
import { newStore, read, type StoreFolder, text } from "./fixture.ts";
import { type Ask, StoreProcess, startProcesses } from "./processes.ts";

const NEW = "after ".repeat(5000);

/** A store that gives up if its first attempt at a claim fails, so every block shows. */
function impatientStore({ location }: StoreFolder): ObjectStore {
  return openDirectoryStore(location, { claimTimeoutMs: 0 });
}

async function replaceNow(folder: StoreFolder, content: string): Promise<void> {
  const store = impatientStore(folder);
  await store.replace("manifest", text(content), (await store.head("manifest")) ?? "");
  expect(await read(store, "manifest")).toBe(content);
  expect(await readdir(folder.workFolder)).toEqual([]);
}

/** Runs a trial for every file system call and returns the outcomes in order. */
async function killBeforeEveryCall(trial: (before: number) => Promise<string>): Promise<string[]> {
  const outcomes: string[] = [];
  while (outcomes.at(-1) !== "finished") {
    const first = outcomes.length + 1;
    outcomes.push(...(await Promise.all([first, first + 1, first + 2, first + 3].map(trial))));
  }
  return outcomes;
}

async function askVictim({ location }: StoreFolder, before: number, ask: Ask): Promise<"killed" | "finished"> {
  const victim = await StoreProcess.start({ location, interruption: { before, signal: "SIGKILL" } });
  const answer = await victim.ask(ask);
  await victim.kill();
  return answer ? "finished" : "killed";
}

test("replace, killed before each of its file system calls, leaves the old or the new object and blocks nobody", async () => {
  const outcomes = await killBeforeEveryCall(async (before) => {
    const folder = await newStore();
    const version = await folder.store.create("manifest", text("before"));
    const end = await askVictim(folder, before, { operation: "replace", key: "manifest", content: NEW, version });
    const content = await read(folder.store, "manifest");
    expect(["before", NEW]).toContain(content);
    await replaceNow(folder, `next after ${before}`);
    return end === "finished" ? end : content === NEW ? "new" : "old";
  });
  expect([...new Set(outcomes)]).toEqual(["old", "new", "finished"]);
});

test("create, killed before each of its file system calls, leaves nothing or the whole object and blocks nobody", async () => {
  const outcomes = await killBeforeEveryCall(async (before) => {
    const folder = await newStore();
    const end = await askVictim(folder, before, { operation: "create", key: ROW, content: NEW });
    const content = await read(folder.store, ROW);
    expect([null, NEW]).toContain(content);
    if (content === null) await impatientStore(folder).create(ROW, text("second try"));
    await impatientStore(folder).create("manifest", text("next"));
    expect(await readdir(folder.workFolder)).toEqual([]);
    expect(await keysOf(folder.store)).toEqual([ROW, "manifest"]);
    return end === "finished" ? end : content === NEW ? "all" : "nothing";
  });
  expect([...new Set(outcomes)]).toEqual(["nothing", "all", "finished"]);
});

test("writers killed at random moments lose no acknowledged write", async () => {
  const folder = await newStore();
  await folder.store.create("manifest", text("0".padEnd(50_000, ".")));
  const random = seededRandom(20_260_101);
  let acknowledged = 0;
  let killed = 0;
  for (let round = 0; round < 12; round++) {
    const writers = await startProcesses(2, { location: folder.location });
    for (const writer of writers)
      void writer.ask({ operation: "increment", key: "manifest", times: 1e6, padding: 50_000 });
    for (const writer of writers) {
      const least = Math.floor(random() * 4);
      await vi.waitUntil(() => writer.acknowledged > least, { timeout: 120_000, interval: 1 });
      await setTimeout(random() * 10);
      await writer.kill();
      killed++;
      acknowledged += writer.acknowledged;
      const content = (await read(folder.store, "manifest")) ?? "";
      expect(content).toMatch(/^\d+\.+$/);
      expect(content).toHaveLength(50_000);
    }
    const counted = Number.parseInt((await read(folder.store, "manifest")) ?? "", 10);
    expect(counted).toBeGreaterThanOrEqual(acknowledged);
    await replaceNow(folder, String(counted).padEnd(50_000, "."));
  }
  expect(acknowledged).toBeGreaterThan(killed);
});

/** mulberry32, for the same moments in every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
