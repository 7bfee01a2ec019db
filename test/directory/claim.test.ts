import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { withClaim } from "../../src/directory/claim.ts";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { createWorkFile, newWorkFile, type WorkFile } from "../../src/directory/work-folder.ts";
import { type ProcessIdentity, type ProcessTable, systemProcesses } from "../../src/disk/process-table.ts";
import { ConflictError, S3UnreachableError } from "../../src/errors.ts";
import { newStore, read, type StoreFolder, text } from "./fixture.ts";
import { StoreProcess } from "./processes.ts";

const processes = systemProcesses();
const isLinux = process.platform === "linux";
const SUBJECT = createHash("sha256").update("manifest").digest("hex").slice(0, 16);
const ELSEWHERE = "0123456789abcdef";

interface Claimed extends StoreFolder {
  replace(content: string): Promise<string>;
  /** The same store with one attempt at the claim. */
  replaceNow(content: string): Promise<string>;
  readonly claims: () => Promise<string[]>;
  leave(kind: WorkFile["kind"], owner: ProcessIdentity, ageMs?: number): Promise<WorkFile>;
}

/** A store whose manifest is "before", next to files of another process. */
async function storeToClaim(): Promise<Claimed> {
  const folder = await newStore();
  const version = await folder.store.create("manifest", text("before"));
  const impatient = openDirectoryStore(folder.location, { claimTimeoutMs: 0 });
  const patient = openDirectoryStore(folder.location, { claimTimeoutMs: 50_000 });
  return {
    ...folder,
    replace: (content) => patient.replace("manifest", text(content), version),
    replaceNow: (content) => impatient.replace("manifest", text(content), version),
    claims: async () => (await readdir(folder.workFolder)).filter((name) => name.startsWith("claim.")),
    leave: async (kind, owner, ageMs = 0) => {
      const file = newWorkFile(folder.workFolder, kind, SUBJECT, owner);
      await createWorkFile(file);
      await age(file.path, ageMs);
      return file;
    },
  };
}

/** By the clock of the file system, as a claim's age is told. */
async function age(path: string, ms: number): Promise<void> {
  const madeAt = new Date((await stat(path)).mtimeMs - ms);
  await utimes(path, madeAt, madeAt);
}

async function stoppedWriter(claimed: Claimed): Promise<StoreProcess> {
  const writer = await StoreProcess.start({
    location: claimed.location,
    interruption: { before: "rename", signal: "SIGSTOP" },
  });
  const version = (await claimed.store.head("manifest")) ?? "";
  void writer.ask({ operation: "replace", key: "manifest", content: "from the stopped one", version });
  await expect.poll(claimed.claims).toHaveLength(1);
  return writer;
}

test("a writer gives up in bounded time behind a stopped holder, and names it", async () => {
  const claimed = await storeToClaim();
  const writer = await stoppedWriter(claimed);
  const version = (await claimed.store.head("manifest")) ?? "";
  const waiting = openDirectoryStore(claimed.location, { claimTimeoutMs: 300 }).replace(
    "manifest",
    text("mine"),
    version,
  );
  await expect(waiting).rejects.toThrow(S3UnreachableError);
  await expect(waiting).rejects.toThrow(
    `process ${writer.pid} has held the lock on ${claimed.folder}manifest for 0.3 s`,
  );
  await expect(waiting).rejects.toHaveProperty(
    "hint",
    expect.stringContaining(`wait for process ${writer.pid} or end it`),
  );
  expect(await read(claimed.store, "manifest")).toBe("before");
  expect(await claimed.claims()).toHaveLength(1);
});

test("a stopped holder that continues finishes its write, and the waiting writer gets a conflict", async () => {
  const claimed = await storeToClaim();
  const writer = await stoppedWriter(claimed);
  const waiting = expect(claimed.replace("mine")).rejects.toThrow(`${claimed.folder}manifest has changed`);
  await writer.continue();
  await waiting;
  expect(await read(claimed.store, "manifest")).toBe("from the stopped one");
});

test("a writer at a stale version gets a conflict at once, although the claim is held", async () => {
  const claimed = await storeToClaim();
  await stoppedWriter(claimed);
  const impatient = openDirectoryStore(claimed.location, { claimTimeoutMs: 0 });
  await expect(impatient.replace("manifest", text("mine"), "stale")).rejects.toThrow(ConflictError);
  const waiting = claimed.replace("mine");
  const ended = expect(waiting).rejects.toThrow(ConflictError);
  await claimed.store.delete("manifest");
  await ended;
  expect(await claimed.claims()).toHaveLength(1);
});

test("a stopped holder that is killed blocks nobody", async () => {
  const claimed = await storeToClaim();
  const writer = await stoppedWriter(claimed);
  await writer.kill();
  await claimed.replaceNow("mine");
  expect(await read(claimed.store, "manifest")).toBe("mine");
  expect(await readdir(claimed.workFolder)).toEqual([]);
});

test("the claim and the temporary file of an ended process are removed", async () => {
  const claimed = await storeToClaim();
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  const owner = { ...(await processes.self()), pid: child.pid ?? 0 };
  await claimed.leave("claim", owner);
  const { path } = await claimed.leave("temp", owner);
  await writeFile(`${path}.probe`, "");
  await claimed.replaceNow("mine");
  expect(await readdir(claimed.workFolder)).toEqual([]);
});

test.runIf(isLinux)("a claim of a process whose pid another one has now is removed", async () => {
  const claimed = await storeToClaim();
  const self = await processes.self();
  await claimed.leave("claim", { ...self, start: String(Number(self.start) - 1) });
  await claimed.leave("temp", { ...self, start: String(Number(self.start) - 1) });
  await claimed.replaceNow("mine");
  expect(await readdir(claimed.workFolder)).toEqual([]);
});

test.runIf(isLinux)("a claim of a zombie blocks nobody", async () => {
  const claimed = await storeToClaim();
  // The shell starts a child, then becomes a program that never waits for it.
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec tail -f /dev/null"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const pid = Number(await firstOutput(parent));
  await expect.poll(() => readFile(`/proc/${parent.pid}/comm`, "utf8")).toBe("tail\n");
  process.kill(pid, "SIGKILL");
  await expect.poll(async () => (await statOf(pid))[0]).toBe("Z");
  const start = (await statOf(pid))[19] ?? "";
  await claimed.leave("claim", { ...(await processes.self()), pid, start });
  await claimed.replaceNow("mine");
});

test("the claim and the temporary file of a living process stay, however old", async () => {
  const claimed = await storeToClaim();
  const claim = await claimed.leave("claim", await processes.self(), isLinux ? 90_000 : 0);
  const temporary = await claimed.leave("temp", await processes.self(), isLinux ? 2 * 3_600_000 : 0);
  await expect(claimed.replaceNow("mine")).rejects.toThrow(`process ${process.pid} has held`);
  const left = (await readdir(claimed.workFolder)).map((name) => `${claimed.workFolder}/${name}`);
  expect(left.toSorted()).toEqual([claim.path, temporary.path]);
});

test("a claim from another machine lasts its lease and no longer", async () => {
  const claimed = await storeToClaim();
  const owner = { ...(await processes.self()), place: ELSEWHERE };
  const claim = await claimed.leave("claim", owner, 20_000);
  await expect(claimed.replaceNow("mine")).rejects.toThrow("of another machine or container has held");
  await age(claim.path, 11_000);
  await claimed.replaceNow("mine");
  expect(await readdir(claimed.workFolder)).toEqual([]);
});

test("a claim from another machine whose clock is far ahead has run out too", async () => {
  const claimed = await storeToClaim();
  const owner = { ...(await processes.self()), place: ELSEWHERE };
  await claimed.leave("claim", owner, -31_000);
  await claimed.leave("temp", owner, -61 * 60_000);
  await claimed.replaceNow("mine");
  expect(await readdir(claimed.workFolder)).toEqual([]);
});

test("an old temporary file from another machine is removed", async () => {
  const claimed = await storeToClaim();
  const owner = { ...(await processes.self()), place: ELSEWHERE };
  const recent = await claimed.leave("temp", owner, 59 * 60_000);
  await claimed.leave("temp", owner, 61 * 60_000);
  await claimed.replaceNow("mine");
  expect((await readdir(claimed.workFolder)).map((name) => `${claimed.workFolder}/${name}`)).toEqual([recent.path]);
});

test("foreign files in the work folder stay", async () => {
  const claimed = await storeToClaim();
  const names = ["notes.txt", "claim", `claim.${ELSEWHERE}.${ELSEWHERE}.1.0.short`, "temp.x"];
  for (const name of names) await writeFile(`${claimed.workFolder}/${name}`, "");
  await claimed.replaceNow("mine");
  expect((await readdir(claimed.workFolder)).toSorted()).toEqual(names.toSorted());
});

test("claims on other objects do not block; one on the same object blocks until it is released", async () => {
  const { workFolder } = await storeToClaim();
  const request = { folder: workFolder, processes, timeoutMs: 0, label: "it", checkWorthWaiting: async () => {} };
  const [one, other] = ["1".repeat(16), "2".repeat(16)];
  await withClaim({ ...request, subject: one }, async () => {
    await withClaim({ ...request, subject: other }, async () => {});
    await expect(withClaim({ ...request, subject: one }, async () => {})).rejects.toThrow(S3UnreachableError);
  });
  await expect(withClaim({ ...request, subject: one }, () => Promise.reject(new Error("work failed")))).rejects.toThrow(
    "work failed",
  );
  await withClaim({ ...request, subject: one }, async () => {});
  expect(await readdir(workFolder)).toEqual([]);
});

test("a holder whose expired claim was removed finds out before it changes anything", async () => {
  const { workFolder } = await storeToClaim();
  const request = {
    folder: workFolder,
    subject: ELSEWHERE,
    processes,
    timeoutMs: 0,
    checkWorthWaiting: async () => {},
  };
  await withClaim({ ...request, label: "it" }, async (claim) => {
    await claim.confirm();
    for (const name of await readdir(workFolder)) execFileSync("rm", [`${workFolder}/${name}`]);
    await expect(claim.confirm()).rejects.toThrow("lost the claim on it");
  });
});

test("a holder renews its claim by the file system's clock before it changes anything", async () => {
  const { workFolder } = await storeToClaim();
  const request = { folder: workFolder, subject: ELSEWHERE, processes, timeoutMs: 0, label: "it" };
  await withClaim({ ...request, checkWorthWaiting: async () => {} }, async (claim) => {
    const [name = ""] = await readdir(workFolder);
    const { mtimeMs } = await stat(`${workFolder}/${name}`);
    await age(`${workFolder}/${name}`, 3_600_000);
    await claim.confirm();
    expect((await stat(`${workFolder}/${name}`)).mtimeMs).toBeGreaterThanOrEqual(mtimeMs);
  });
});

test("the sweep goes by the clock of the file system, not by this machine's", async () => {
  const claimed = await storeToClaim();
  const recent = await claimed.leave("temp", { ...(await processes.self()), place: ELSEWHERE }, 59 * 60_000);
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 30 * 24 * 3_600_000);
  onTestFinished(() => clock.mockRestore());
  await claimed.replaceNow("mine");
  expect((await readdir(claimed.workFolder)).map((name) => `${claimed.workFolder}/${name}`)).toEqual([recent.path]);
});

/** A process table without any process; `look` runs before each answer. */
function unknownProcesses(look: () => Promise<void>): ProcessTable {
  const status = async (): Promise<"unknown"> => {
    await look();
    return "unknown";
  };
  return { self: processes.self, status };
}

test("a contender whose own claim has vanished removes no other claim", async () => {
  const { workFolder, leave } = await storeToClaim();
  const rival = await leave("claim", { ...(await processes.self()), place: ELSEWHERE }, 20_000);
  const isOwn = (name: string) => `${workFolder}/${name}` !== rival.path;
  const table = unknownProcesses(async () => {
    for (const name of await readdir(workFolder)) if (isOwn(name)) await rm(`${workFolder}/${name}`);
  });
  const request = { folder: workFolder, subject: SUBJECT, processes: table, timeoutMs: 0, label: "it" };
  const claiming = withClaim({ ...request, checkWorthWaiting: async () => {} }, async () => {});
  await expect(claiming).rejects.toThrow(
    `process ${process.pid} of another machine or container has held the lock on it`,
  );
  expect(await readdir(workFolder)).toEqual([rival.path.slice(workFolder.length + 1)]);
});

test("a contender that cannot list claims leaves none behind", async () => {
  const { workFolder, leave } = await storeToClaim();
  const rival = await leave("claim", { ...(await processes.self()), place: ELSEWHERE });
  const table = unknownProcesses(async () => {
    if ((await readdir(workFolder)).length > 1) throw new Error("the disk went away");
  });
  const request = { folder: workFolder, subject: SUBJECT, processes: table, timeoutMs: 0, label: "it" };
  const claiming = withClaim({ ...request, checkWorthWaiting: async () => {} }, async () => {});
  await expect(claiming).rejects.toThrow("the disk went away");
  expect(await readdir(workFolder)).toEqual([rival.path.slice(workFolder.length + 1)]);
});

async function firstOutput(child: ChildProcess): Promise<string> {
  const [chunk]: unknown[] = await once(child.stdout ?? expect.unreachable("no stdout"), "data");
  return String(chunk).trim();
}

async function statOf(pid: number): Promise<string[]> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8");
  return line.slice(line.lastIndexOf(")") + 2).split(" ");
}
