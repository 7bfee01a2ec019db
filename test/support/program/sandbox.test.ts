/** @module-tag process */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await openSandbox(["/bin/sh", "-c"]);
});
afterEach(() => sandbox[Symbol.asyncDispose]());

describe("run", () => {
  test("tells stdout, stderr and exit code apart", async () => {
    const transcript = await sandbox.run(["echo out; echo err >&2; exit 7"]);
    expect(transcript).toEqual({ stdout: "out\n", stderr: "err\n", exitCode: 7 });
  });

  test("a signal leaves no exit code", async () => {
    expect((await sandbox.run(["kill -9 $$"])).exitCode).toBeNull();
  });

  test("stdin is what is given, else empty", async () => {
    expect((await sandbox.run(["cat"], { stdin: "given" })).stdout).toBe("given");
    expect((await sandbox.run(["cat"])).stdout).toBe("");
  });

  test("the environment has none of this process's variables", async () => {
    process.env["VSYNC_HARNESS_CANARY"] = "leaked";
    const names = (await sandbox.run(["env"], { env: { ADDED: "1", LANG: undefined } })).stdout.match(/^\w+(?==)/gm);
    delete process.env["VSYNC_HARNESS_CANARY"];
    const own = ["ADDED", "HOME", "PATH", "PWD", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];
    expect(names?.filter((name) => !["_", "SHLVL", "OLDPWD"].includes(name)).toSorted()).toEqual(own);
  });

  test("runs in the working directory, or below it", async () => {
    await sandbox.write("work/below/file", "");
    expect((await sandbox.run(["pwd"])).stdout).toBe(`${sandbox.work}\n`);
    expect((await sandbox.run(["pwd"], { cwd: "below" })).stdout).toBe(`${sandbox.work}/below\n`);
  });
});

test("tidy replaces paths and other random parts by names", async () => {
  const transcript = await sandbox.run(["echo $HOME $PWD $TMPDIR at 123; echo $HOME >&2"]);
  expect(sandbox.tidy(transcript, { "<number>": /\d+$/gm })).toEqual({
    stdout: "<home> <work> <top>/tmp at <number>\n",
    stderr: "<home>\n",
    exitCode: 0,
  });
});

describe("snapshot", () => {
  test("is the same while nothing is written", async () => {
    await sandbox.write("home/a/b", "text");
    expect(await sandbox.snapshot()).toEqual(await sandbox.snapshot());
  });

  test.each([
    ["content", "echo more >>$HOME/a/b"],
    ["mode", "chmod 644 $HOME/a/b"],
    ["a new file", "touch file"],
    ["a new folder", "mkdir $HOME/a/c"],
    ["a removed file", "rm $HOME/a/b"],
    ["a link", "ln -s b $HOME/a/link"],
  ])("shows %s", async (_change, command) => {
    await sandbox.write("home/a/b", "text");
    const before = await sandbox.snapshot();
    expect((await sandbox.run([command])).exitCode).toBe(0);
    expect(await sandbox.snapshot()).not.toEqual(before);
  });
});

describe("terminal", () => {
  test("asks on the terminal, and keeps stdout apart", async () => {
    const session = await sandbox.terminal([
      "printf 'Name: ' >&2; read name; echo hello $name; test -t 0 && test -t 2",
    ]);
    await session.shows("Name: ");
    session.answer("Ada");
    expect(await session.end()).toMatchObject({ stdout: "hello Ada\n", exitCode: 0, isRestored: true });
  });

  test("shows stdout where asked to, on 80 columns", async () => {
    const session = await sandbox.terminal(["test -t 1 && stty size"], { showStdout: true });
    expect(await session.end()).toMatchObject({ stdout: "", screen: "24 80\r\n", exitCode: 0 });
  });

  test("notices a terminal that was left without echo", async () => {
    const session = await sandbox.terminal(["stty -echo"]);
    expect(await session.end()).toMatchObject({ exitCode: 0, isRestored: false });
  });

  test("Ctrl-C reaches the program", async () => {
    const session = await sandbox.terminal(["trap 'echo caught >&2; exit 5' INT; echo ready >&2; read line"]);
    await session.shows("ready");
    session.press("\u0003");
    await session.shows("caught");
    expect((await session.end()).exitCode).toBe(5);
  });

  test("a text that never comes is an error that shows what came", async () => {
    const session = await sandbox.terminal(["echo something else >&2"]);
    await expect(session.shows("the question")).rejects.toThrow(/never showed "the question" but:\s+something else/);
  });
});

test("a sandbox leaves nothing behind", async () => {
  await using other = await openSandbox(["/bin/true"]);
  await writeFile(join(other.home, "file"), "");
  await other[Symbol.asyncDispose]();
  await expect(other.snapshot()).rejects.toThrow("ENOENT");
});
