/** @module-tag process */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSandbox, type RunOptions, type Sandbox, type Transcript } from "../../support/program/sandbox.ts";
import { PROBE } from "../probe.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox(PROBE);
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const probe = (line: string, options?: RunOptions): Promise<Transcript> =>
  sandbox.run(line.split(" ").filter(Boolean), options);

function failed(error: string, hint?: string, exitCode = 1): Transcript {
  const lines = [`vsync: error: ${error}`, ...(hint === undefined ? [] : [`vsync: hint: ${hint}`])];
  return { stdout: "", stderr: `${lines.join("\n")}\n`, exitCode };
}

const SAID = "something\\x1b[31m failed\\nvsync: error: forged";

describe("a command that fails", () => {
  test("ends with the code of its table, the same with --json", async () => {
    expect(await probe("fail LOCAL_CONFIG_MISSING --hint=next")).toEqual(failed(SAID, "next", 4));
    const { stdout, ...rest } = await probe("fail LOCAL_CONFIG_MISSING --hint=next --json");
    expect({ stdout: "", ...rest }).toEqual(failed(SAID, "next", 4));
    const message = "something\u001b[31m failed\nvsync: error: forged";
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "LOCAL_CONFIG_MISSING", exit_code: 4, message, hint: "next" },
    });
    expect(await probe("fail-rotating LOCAL_CONFIG_MISSING --hint=next")).toEqual(failed(SAID, "next", 5));
    expect({ ...(await probe("show --json")), stdout: "" }).toEqual(
      failed("missing KEY", "usage: vsync show KEY [OTHER] [flags]"),
    );
    expect(await probe("shwo")).toEqual(failed("unknown command shwo", "did you mean vsync show?"));
  });

  test("shows its stack only at --log-level=debug, independent of variables", async () => {
    const env = { NODE_ENV: "development", VSYNC_DEBUG: "1", DEBUG: "*", VSYNC_CONTENT_TYPE: "json" };
    const hint = "this is a bug in vsync: run it again with --log-level=debug and report it";
    expect(await probe("fail boom", { env })).toEqual(failed("unexpected: RangeError: boom", hint));
    const { stderr, exitCode } = await probe("fail boom --log-level=debug");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^vsync: error: unexpected: RangeError: boom\n {4}at Fail\.execute/m);
  });

  test("without saying so, because nothing is left that it could wait for, does not end with 0", async () => {
    const hint = "this is a bug in vsync: run it again with --log-level=debug and report it";
    const { stderr, exitCode } = failed("unexpected: Error: vsync ended before the command was done", hint);
    expect(await probe("wait --for-nothing")).toEqual({ stdout: "waiting\n", stderr, exitCode });
  });

  test("does not read a missing argument from stdin", async () => {
    expect(await probe("show", { stdin: "a\n" })).toMatchObject({ stdout: "", exitCode: 1 });
  });
});

describe("help", () => {
  test.each(["--help", "help", "-h"])("%j lists the commands", async (line) => {
    const { stdout, stderr, exitCode } = await probe(line);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/USAGE\n {2}\$ vsync COMMAND \[arguments\] \[flags\]/);
    expect(stdout).toMatch(/^ {2}PROBE {2}.*\bshow\b/m);
  });

  test.each(["--help --all", "help --all"])("%j says what each does", async (line) => {
    expect((await probe(line)).stdout).toMatch(/^ {2}show\b/m);
  });

  test.each(["show --help", "help show", "show a --nonsense -h"])("%s explains the command", async (line) => {
    const { stdout, stderr, exitCode } = await probe(line);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/\$ vsync show KEY \[OTHER\] \[flags\]/);
  });

  test("help <typo> suggests a command, and --help after -- is another program's", async () => {
    expect(await probe("help shwo")).toEqual(failed("unknown command shwo", "did you mean vsync show?"));
    expect(JSON.parse((await probe("hand prod -- --help")).stdout)).toMatchObject({ commandLine: ["--help"] });
  });

  test("--version", async () => {
    const { stdout, exitCode } = await probe("--version");
    expect({ stdout, exitCode }).toEqual({ stdout: expect.stringMatching(/^vsync\/\d+\.\d+\.\d+\n$/), exitCode: 0 });
  });
});

describe("streams", () => {
  test("stdout has the result, and only raw output can contain control characters", async () => {
    expect(await probe("write --raw")).toEqual({
      stdout: "line 0 \\x1b]0;title\\x07\\u202e\nraw \u001b[0m",
      stderr: "on it\n✓ done\nvsync: warning: careful\n",
      exitCode: 0,
    });
  });

  test("logs are JSON lines on stderr, from the level asked for", async () => {
    const logOf = async (line: string) => {
      const { stderr } = await probe(line);
      const logs = stderr.split("\n").filter((it) => it.startsWith("{"));
      return logs.map((log) => JSON.parse(log));
    };
    expect(await logOf("write --log-level=info")).toMatchObject([
      { level: 30, command: "write", msg: "started" },
      { level: 30, exitCode: 0, msg: "ended" },
    ]);
    const error = { code: "UNEXPECTED", exit_code: 1, message: "RangeError: boom" };
    expect(await logOf("fail boom --log-level=error")).toMatchObject([{ level: 50, error, msg: "failed" }]);
    expect(await logOf("write")).toEqual([]);
  });

  test("a reader that stops early does not make the command fail", async () => {
    await using shell = await openSandbox(["/bin/sh", "-c"]);
    const line = `{ ${PROBE.join(" ")} write --lines=200000; echo $? >&2; } | head -1`;
    const { stdout, stderr } = await shell.run([line]);
    expect(stdout).toBe("line 0 \\x1b]0;title\\x07\\u202e\n");
    expect(stderr).toBe("on it\n✓ done\nvsync: warning: careful\n0\n");
  });

  test("a full disk is a failure", async () => {
    await using shell = await openSandbox(["/bin/sh", "-c"]);
    const { stderr, exitCode } = await shell.run([`${PROBE.join(" ")} write >/dev/full`]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /vsync: error: the output cannot be written: no space left on the device \(ENOSPC\)\nvsync: hint: /,
    );
  });
});

describe("signals", () => {
  test.each([
    ["INT", 130, "interrupted"],
    ["TERM", 143, "ended by SIGTERM"],
    ["HUP", 129, "ended by SIGHUP"],
  ])("SIG%s ends with %i", async (signal, exitCode, said) => {
    await using shell = await openSandbox(["/bin/sh", "-c"]);
    const script = `${PROBE.join(" ")} wait >out & pid=$!; until [ -s out ]; do sleep 0.05; done; kill -${signal} $pid; wait $pid`;
    expect(await shell.run([script])).toEqual(failed(said, undefined, exitCode));
  });

  test("Ctrl-C on a terminal", async () => {
    const session = await sandbox.terminal(["wait"], { showStdout: true });
    await session.shows("waiting");
    session.press("\u0003");
    const { exitCode, screen, isRestored } = await session.end();
    expect({ exitCode, isRestored }).toEqual({ exitCode: 130, isRestored: true });
    expect(screen).toContain("vsync: error: interrupted");
  });
});
