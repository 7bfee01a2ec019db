import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { systemClock } from "../../src/stores/open-store.ts";
import { readUsage } from "../../src/vault/usage/read.ts";
import { type DirectoryVault, directoryVault, temporaryFolder } from "../runtime/fixture.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";
import { canMount, fillBut, mount, unmount } from "../support/disks.ts";
import { holding } from "../support/passphrases.ts";

/* Apps that meter, as processes that are killed. */

const PROGRAM = join(import.meta.dirname, "meter-process.ts");
const NOW_MS = systemClock.nowMs();

let vault: DirectoryVault;
let config: string;
let spool: string;
beforeEach(async () => {
  vault = await directoryVault();
  await vault.settings({ backends: [{ id: "api" }], meters: [{ key: "jobs_of_the_app" }] });
  ({ config } = await vault.token({ name: "api", backend: "api", capabilities: ["metering"] }));
  spool = join(await temporaryFolder(), "spool");
});

interface Ran {
  readonly stderr: string;
}

interface Running {
  /** Closes stdin: the process then writes the pending events. */
  end(): Promise<void>;
  kill(): Promise<void>;
  stderr(): string;
}

/** Resolves once the process says that it has kept the events, or has ended. */
async function start(...words: readonly string[]): Promise<Running> {
  const own = { VSYNC_CONFIG: config, VSYNC_USAGE_SPOOL: spool };
  const env = { PATH: process.env["PATH"], NOW_MS: String(NOW_MS), ...own };
  const child = spawn(process.execPath, [...COMPILE_CACHE, PROGRAM, ...words], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  await Promise.race([once(child.stdout, "data"), exited]);
  const ended = async (end: () => unknown): Promise<void> => {
    end();
    await exited;
  };
  return {
    end: () => ended(() => child.stdin.end()),
    kill: () => ended(() => child.kill("SIGKILL")),
    stderr: () => stderr,
  };
}

/** A process that is killed once it has kept the events, or ends by itself after a flush. */
async function meter(...words: readonly string[]): Promise<Ran> {
  const running = await start(...words);
  await (words.at(-1) === "flush" ? running.end() : running.kill());
  return { stderr: running.stderr() };
}

async function counted() {
  const location = {
    endpoint: `file://${encodeURI(vault.folder.replace(/vsync\/api\/prod\/$/, ""))}`.replace(/\/$/, ""),
  };
  const store = openDirectoryStore({ ...location, bucket: "vsync", prefix: "api/prod/" });
  using holder = holding(vault.passphrase);
  const usage = await readUsage({ store, clock: systemClock }, { holder, expect: { env: "prod" } });
  const { events, refused, doubts } = usage;
  return { events, refused, doubts };
}

const all = { refused: [], doubts: [] };

test("events that were metered before a kill are counted, and once where the app meters them again", async () => {
  await meter("a", "b");
  await meter("c");
  expect(await counted()).toEqual({ ...all, events: 0 });
  await meter("a", "d", "flush");
  expect(await counted()).toEqual({ ...all, events: 4 });
  expect(await readdir(spool)).toEqual([]);
});

test("after a rotation, a process sends what waits; the next one reports what only the old token could send", async () => {
  const old = await vault.token({ name: "old", backend: "api", capabilities: ["metering"] });
  const next = config;
  config = old.config;
  await meter("killed");
  const [running, other] = [await start("a", "b"), await start("lost")];
  await vault.revokeToken(old.id);
  await running.end();
  expect(running.stderr()).toBe("");
  expect(await counted()).toEqual({ ...all, events: 3 });
  await other.kill();
  config = next;
  const { stderr } = await meter("c", "flush");
  expect(stderr).toContain(`has usage of ${old.id} that no process sends`);
});

test("a bucket that is away keeps them on the disk, and says so", async () => {
  await meter("a");
  const away = `${vault.folder.replace(/\/$/, "")}/usage`;
  // There is a file in the folder's place: the vault can be read, but no usage can be written.
  await writeFile(away, "");
  const { stderr } = await meter("b", "flush");
  expect(stderr).toContain("usage events wait for");
  expect((await readdir(spool)).length).toBeGreaterThan(0);
  await unlink(away);
  await meter("c", "flush");
  expect(await counted()).toEqual({ ...all, events: 3 });
});

describe.skipIf(!canMount())("a disk that is full", () => {
  test("stores no event, which is reported, but the events reach the store", async () => {
    await mkdir(spool, { mode: 0o700 });
    mount(spool, "size=64k,mode=700");
    onTestFinished(() => unmount(spool));
    await fillBut(spool, 0);
    const { stderr } = await meter("a", "b", "flush");
    expect(stderr).toContain("usage is kept only in memory, and lost if the process is killed");
    expect(await counted()).toEqual({ ...all, events: 2 });
  });
});
