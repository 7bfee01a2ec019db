import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DAY_TO_DAY_EXIT_CODES, ROTATE_EXIT_CODES } from "../../../src/exit-codes.ts";
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
const codes = Object.entries(DAY_TO_DAY_EXIT_CODES.failures).filter(([code]) => code !== "AUDIT_BROKEN");

describe("a command that fails", () => {
  test.each(codes)("with %s ends with %i", async (code, exitCode) => {
    expect(await probe(`fail ${code} --hint=next`)).toEqual(failed(SAID, "next", exitCode));
  });

  test.each(codes)("with %s ends the same way with --json, and stdout stays empty", async (code, exitCode) => {
    expect(await probe(`fail ${code} --json --hint=next`)).toEqual(failed(SAID, "next", exitCode));
  });

  test.each(["ACCESS_DENIED", "CONFLICT", "LOCAL_CONFIG_MISSING", "S3_UNREACHABLE"] as const)(
    "ends by its own table with %s",
    async (code) => {
      expect(await probe(`fail-rotating ${code} --hint=next`)).toEqual(
        failed(SAID, "next", ROTATE_EXIT_CODES.failures[code]),
      );
    },
  );

  test("unexpectedly says so without a stack", async () => {
    const hint = "this is a bug in vsync: run it again with --log-level=debug and report it";
    expect(await probe("fail boom")).toEqual(failed("unexpected: RangeError: boom", hint));
  });

  test("shows the stack at --log-level=debug", async () => {
    const { stdout, stderr, exitCode } = await probe("fail boom --log-level=debug");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toMatch(/^vsync: error: unexpected: RangeError: boom\n {4}at Fail\.execute/);
  });

  test.each([
    { NODE_ENV: "development" },
    { NODE_ENV: "test" },
    { VSYNC_DEBUG: "1" },
    { DEBUG: "*" },
    { VSYNC_CONTENT_TYPE: "json" },
  ])("says no more with %o", async (env) => {
    expect(await probe("show --json", { env })).toEqual(failed("missing KEY", "usage: vsync show KEY [OTHER] [flags]"));
    expect(await probe("fail INPUT --json", { env })).toEqual(failed(SAID));
  });
});

describe("a command line that is not as declared", () => {
  const help = "see vsync show --help";
  const usage = "usage: vsync show KEY [OTHER] [flags]";
  test.each([
    ["show", "missing KEY", usage],
    ["show a b hunter2", "1 argument too many", usage],
    ["show a b hunter2 hunter3", "2 arguments too many", usage],
    ["show a --tokne=hunter2", "unknown flag --tokne", "did you mean --token?"],
    ["show a --tokne hunter2", "unknown flag --tokne", "did you mean --token?"],
    ["show a --hunter2/=x", "unknown flag", help],
    ["show a --count=hunter2", "--count must be an integer", help],
    ["show a --count=12", "--count must be an integer less than or equal to 9", help],
    ["show a --role=hunter2", "--role must be one of reader, operator", help],
    ["show a --token=hunter2 --ambient", "--token cannot be used together with --ambient", help],
    ["show a --salt=hunter2", "--salt needs --token", help],
    ["show a --token", "--token expects a value", help],
    ["show a --token=hunter2 --token=hunter3", "--token can only be specified once", help],
    ["require", "missing --needed", "see vsync require --help"],
    ["hand prod hunter2", "1 argument too many", "usage: vsync hand [ENV] [flags] -- COMMAND…"],
  ])("%s", async (line, error, hint) => {
    expect(await probe(line)).toEqual(failed(error, hint));
    if (line.startsWith("show")) expect(await probe(`${line} --json`)).toEqual(failed(error, hint));
  });

  test("a missing argument is not read from stdin", async () => {
    expect(await probe("show", { stdin: "a\n" })).toEqual(failed("missing KEY", usage));
  });
});

describe("which command is meant", () => {
  test.each([
    ["shwo a", "unknown command shwo", "did you mean vsync show?"],
    ["sohw", "unknown command sohw", "did you mean vsync show?"],
    ["nothing-like-it", "unknown command nothing-like-it", "see vsync --help"],
    ["hunter2!", "unknown command", "see vsync --help"],
    ["topic", "unknown command topic", "did you mean vsync topic leaf?"],
    ["topic laef", "unknown command topic", "did you mean vsync topic leaf?"],
    ["--json show", "a command comes first", "see vsync --help"],
    ["topci leaf", "unknown command topci", "did you mean vsync topic leaf?"],
    ["leaf", "unknown command leaf", "did you mean vsync topic leaf?"],
    ["show verfy", "unknown command show verfy", "did you mean vsync show verify? For an env of that name, use --env="],
    ["help shwo", "unknown command shwo", "did you mean vsync show?"],
    ["constructor", "unknown command constructor", "see vsync --help"],
  ])("%s", async (line, error, hint) => {
    expect(await probe(line)).toEqual(failed(error, hint));
  });

  test("a command below another goes before an argument of that name", async () => {
    expect((await probe("show verify key")).stdout).toContain('"key": "key"');
    expect((await probe("show key verify")).stdout).toContain('"other": "verify"');
    expect(await probe("topic leaf --needed=x")).toEqual({ stdout: "ran\n", stderr: "", exitCode: 0 });
  });

  test("what follows -- is another program's, to the letter", async () => {
    const { stdout } = await probe("hand -- prod --env=x -- -y");
    expect(JSON.parse(stdout)).toMatchObject({ args: {}, commandLine: ["prod", "--env=x", "--", "-y"] });
    expect(JSON.parse((await probe("hand prod")).stdout)).toMatchObject({ args: { env: "prod" }, commandLine: null });
    expect(JSON.parse((await probe("hand prod -- --help")).stdout)).toMatchObject({ commandLine: ["--help"] });
  });

  test("a flag that may be given more than once takes one value at a time", async () => {
    const { stdout } = await probe("show --meta a=1 key --meta=b=2 --meta c=3 other");
    expect(JSON.parse(stdout)).toMatchObject({
      args: { key: "key", other: "other" },
      flags: { meta: ["a=1", "b=2", "c=3"] },
    });
  });

  test.each(["--help", "help", "-h"])("%j shows what there is", async (line) => {
    const { stdout, stderr, exitCode } = await probe(line);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/USAGE\n {2}\$ vsync COMMAND \[arguments\] \[flags\]/);
    expect(stdout).toMatch(/^ {2}show\b/m);
  });

  test.each(["show --help", "help show", "show a --nonsense -h"])("%s explains the command", async (line) => {
    const { stdout, stderr, exitCode } = await probe(line);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/\$ vsync show KEY \[OTHER\] \[flags\]/);
  });

  test("--version", async () => {
    const { stdout, exitCode } = await probe("--version");
    expect({ stdout, exitCode }).toEqual({ stdout: expect.stringMatching(/^vsync\/\d+\.\d+\.\d+\n$/), exitCode: 0 });
  });
});

describe("streams", () => {
  test("stdout has the result; nothing on it acts upon a terminal but what was asked for raw", async () => {
    expect(await probe("write --raw")).toEqual({
      stdout: "line 0 \\x1b]0;title\\x07\\u202e\nraw \u001b[0m",
      stderr: "on it\n✓ done\nvsync: warning: careful\n",
      exitCode: 0,
    });
  });

  test("logs are JSON lines on stderr, from the level asked for", async () => {
    const { stdout, stderr } = await probe("write --log-level=debug");
    expect(stdout).toBe("line 0 \\x1b]0;title\\x07\\u202e\n");
    const [log = ""] = stderr.split("\n").filter((line) => line.startsWith("{"));
    expect(JSON.parse(log)).toMatchObject({ gen: 3, msg: "looked" });
    expect((await probe("write --log-level=info")).stderr).not.toContain("{");
  });

  test("a reader that has seen enough is no failure", async () => {
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
    expect(stderr).toMatch(/vsync: error: the output cannot be written: ENOSPC\nvsync: hint: /);
  });

  test("colour needs a terminal, and NO_COLOR forgoes it", async () => {
    const screenWith = async (env: Record<string, string>): Promise<string> => {
      const session = await sandbox.terminal(["write"], { env });
      return (await session.end()).rawScreen;
    };
    expect(await screenWith({})).toContain("\u001b[33mwarning:");
    expect(await screenWith({ NO_COLOR: "1" })).toContain("vsync: warning: careful");
    expect(await screenWith({ TERM: "dumb" })).toContain("vsync: warning: careful");
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
