import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { programUnderTest } from "../support/program/sandbox.ts";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.push({ TOKEN: "planted-token", OTHER: "planted other", PIN: "123" });
});
afterAll(() => home[Symbol.asyncDispose]());

const WARNING = "vsync: warning: not masked, because their values are too short or common words: PIN\n";
const redacting = (script: string, options: Parameters<VaultHome["run"]>[1] = {}, ...flags: string[]) =>
  home.run(["run", "prod", "--redact", ...flags, "--", "sh", "-c", script], options);

test("a value that is written in pieces, and bytes at the end that could have become one", async () => {
  const ran = await redacting("printf plan; sleep 0.2; printf ted-; sleep 0.2; printf 'token planted-tok'");
  expect(ran.stdout).toBe("[TOKEN] planted-tok");
});

test("passes bytes that are not text, and long output, unchanged", async () => {
  const script = "process.stdout.write(Buffer.alloc(3_000_000, Buffer.from([0, 255, 10, 112, 108])))";
  const { stdout } = spawnVsync(["--redact", "--", process.execPath, "-e", script]);
  let bytes = Buffer.alloc(0);
  for await (const chunk of stdout ?? []) bytes = Buffer.concat([bytes, chunk as Buffer]);
  expect(bytes.equals(Buffer.alloc(3_000_000, Buffer.from([0, 255, 10, 112, 108])))).toBe(true);
});

test.each([
  [
    "SIGTERM",
    "trap 'echo got planted-token; exit 42' TERM; echo ready; while :; do sleep 0.05; done",
    "got [TOKEN]\n",
    42,
  ],
  ["SIGTERM", "echo ready; exec sleep 60", "", 143],
] as const)("hands %s on, and comes back with the program's end: %s", async (signal, script, output, exitCode) => {
  const child = spawnVsync(["--redact", "--", "sh", "-c", script]);
  let stdout = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    if (stdout === "" && chunk.includes("ready")) child.kill(signal);
    stdout += chunk.toString();
  });
  expect(await once(child, "close")).toEqual(exitCode === 143 ? [null, signal] : [exitCode, null]);
  expect(stdout).toBe(`ready\n${output}`);
});

test("a signal ends vsync after the program has ended, even if a leftover process holds its output open", async () => {
  const left = "trap '' TERM; while kill -0 $$ 2>/dev/null; do sleep 0.05; done; while echo alone; do sleep 0.05; done";
  const child = spawnVsync(["--redact", "--", "sh", "-c", `(${left}) & exit 5`]);
  child.stdout?.once("data", () => child.kill("SIGTERM"));
  onTestFinished(() => void child.kill("SIGKILL"));
  expect(await once(child, "close")).toEqual([null, "SIGTERM"]);
});

test("output that does not fit into its file is a failure, and not cut in silence", async () => {
  // The last write is the one that is cut: the limit is 100 blocks of 512 bytes.
  const program = [
    ...programUnderTest(),
    "run",
    "prod",
    "--repo=api",
    "--redact",
    "--",
    "head",
    "-c",
    "51203",
    "/dev/zero",
  ];
  const limited = `ulimit -f 100; ${program.join(" ")} >cut`;
  const child = spawn("sh", ["-c", limited], {
    env: { ...home.env, HOME: home.sandbox.home, PATH: process.env["PATH"] },
    cwd: home.sandbox.work,
  });
  const said = text(child.stderr);
  expect([(await once(child, "close"))[0], await said]).toEqual([
    1,
    expect.stringContaining("cannot be written: EFBIG"),
  ]);
});

test("keeps the order of stdout and stderr if both go to one place", async () => {
  const alternating = "for (let n = 0; n < 200; n++) require('fs').writeSync(1 + (n % 2), `${n}\\n`)";
  const command = [...programUnderTest(), "run", "prod", "--repo=api", "--redact", "--", process.execPath, "-e"];
  const child = spawn("sh", ["-c", '"$@" 2>&1', "sh", ...command, alternating], {
    env: environment(),
    cwd: home.sandbox.work,
  });
  const numbers = Array.from({ length: 200 }, (_, n) => `${n}\n`).join("");
  expect(await text(child.stdout)).toBe(`${WARNING}${numbers}`);
});

test("masks a value that begins on stdout and ends on stderr, if both go to one place", async () => {
  const command = [...programUnderTest(), "run", "prod", "--repo=api", "--redact", "--", "sh", "-c"];
  const child = spawn("sh", ["-c", '"$@" 2>&1', "sh", ...command, "printf planted-; printf token >&2"], {
    env: environment(),
    cwd: home.sandbox.work,
  });
  expect(await text(child.stdout)).toBe(`${WARNING}[TOKEN]`);
});

test("the program waits for a slow reader", async () => {
  const script =
    "process.stdout.write(Buffer.alloc(20_000_000, 'planted-token ')); process.stderr.write('all written')";
  const child = spawnVsync([
    "--redact",
    "--",
    process.execPath,
    "-e",
    `${script.replace("process.stdout.write(", "require('fs').writeSync(1, ")}`,
  ]);
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  // Nobody reads, so the pipes fill, and the program can never have written everything.
  await new Promise((settle) => setTimeout(settle, 1500));
  expect(stderr).not.toContain("all written");
  let length = 0;
  for await (const chunk of child.stdout ?? []) length += (chunk as Buffer).length;
  expect(length).toBeGreaterThan(1_000_000);
});

test("a reader that stops early ends the program by SIGPIPE, as without --redact", async () => {
  const command = [...programUnderTest(), "run", "prod", "--repo=api", "--redact", "--", "yes", "planted-token"];
  const line = command.map((word) => `'${word}'`).join(" ");
  const child = spawn("sh", ["-c", `{ ${line}; echo "code $?" >&2; } | head -n 2`], {
    env: environment(),
    cwd: home.sandbox.work,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, "close");
  expect(stdout).toBe("[TOKEN]\n[TOKEN]\n");
  expect(stderr).toBe(`${WARNING}code 141\n`);
});

test("/dev/stdout and /dev/stderr can be opened", async () => {
  const ran = await redacting('echo "$TOKEN" >/dev/stdout; echo "$OTHER" >/dev/stderr');
  expect(ran).toEqual({ stdout: "[TOKEN]\n", stderr: `${WARNING}[OTHER]\n`, exitCode: 0 });
});

test("starts no program that PATH names, and so hands the passphrase to none", async () => {
  const script = `#!/bin/sh\necho "$0 $VSYNC_PASSPHRASE" >>${home.sandbox.work}/started\nexec /usr/bin/mkfifo "$@"\n`;
  await home.sandbox.write("work/evil/mkfifo", script, 0o755);
  const PATH = `${home.sandbox.work}/evil:/usr/bin:/bin`;
  expect(await redacting("echo $TOKEN", { env: { PATH } })).toMatchObject({ stdout: "[TOKEN]\n" });
  await expect(access(join(home.sandbox.work, "started"))).rejects.toThrow("ENOENT");
});

test("without a place for temporary files it masks all the same, and it leaves no files behind", async () => {
  const ran = await redacting("echo $TOKEN; echo $OTHER >&2; exit 3", { env: { TMPDIR: "/nonexistent" } });
  expect(ran).toEqual({ stdout: "[TOKEN]\n", stderr: `${WARNING}[OTHER]\n`, exitCode: 3 });
  await redacting("true");
  expect(await readdir(join(home.sandbox.folder, "tmp"))).toEqual([]);
});

function spawnVsync(args: readonly string[]): ChildProcess {
  const [command = "", ...first] = programUnderTest();
  return spawn(command, [...first, "run", "prod", "--repo=api", ...args], {
    env: environment(),
    cwd: home.sandbox.work,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function environment(): NodeJS.ProcessEnv {
  return { ...home.env, HOME: home.sandbox.home, PATH: `${join(process.execPath, "..")}:/usr/bin:/bin` };
}
