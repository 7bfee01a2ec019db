import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSandbox, type RunOptions, type Sandbox, type Transcript } from "../../support/program/sandbox.ts";
import { PROBE } from "../probe.ts";

const WAYS =
  "give it with --passphrase-file=<file> (- is stdin), VSYNC_PASSPHRASE_FILE or VSYNC_PASSPHRASE, or run this on a terminal";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox(PROBE);
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const ask = (args: readonly string[] = [], options?: RunOptions): Promise<Transcript> =>
  sandbox.run(["ask", ...args], options);

function given(text: string): Transcript {
  const line = JSON.stringify({ secret: "[secret]", bytes: Buffer.byteLength(text), text });
  return { stdout: `${line}\n`, stderr: "", exitCode: 0 };
}

function refused(message: string, hint?: string): Transcript {
  const hintLine = hint === undefined ? "" : `vsync: hint: ${hint}\n`;
  return { stdout: "", stderr: `vsync: error: ${message}\n${hintLine}`, exitCode: 1 };
}

describe("without a terminal", () => {
  test("the flag's file goes before the variable's file, that before the variable", async () => {
    const one = await sandbox.write("work/one", "first\n");
    const two = await sandbox.write("work/two", "second\n");
    const env = { VSYNC_PASSPHRASE: " third ", VSYNC_PASSPHRASE_FILE: two };
    expect(await ask([`--passphrase-file=${one}`], { env })).toEqual(given("first"));
    expect(await ask([], { env })).toEqual(given("second"));
    expect(await ask([], { env: { ...env, VSYNC_PASSPHRASE_FILE: "" } })).toEqual(given(" third "));
  });

  test("- is stdin, once", async () => {
    expect(await ask(["--passphrase-file=-"], { stdin: "piped \n" })).toEqual(given("piped"));
    const message = "--passphrase-file and --passphrase-file cannot both be read from stdin";
    expect(await ask(["--passphrase-file=-", "--twice"], { stdin: "piped" })).toEqual(
      refused(message, "name a file for one of them"),
    );
  });

  test("nothing waits: every way is named", async () => {
    expect(await ask()).toEqual(refused("missing the passphrase", WAYS));
    expect(await ask(["--setting"], { env: { VSYNC_PASSPHRASE: "" } })).toEqual(
      refused("missing the passphrase", WAYS),
    );
  });

  test("a secret that is being set has 12 characters, however it is given", async () => {
    const short = refused("the passphrase is shorter than 12 characters", WAYS);
    const file = await sandbox.write("work/new", "eleven char\n");
    expect(await ask(["--setting", `--passphrase-file=${file}`])).toEqual(short);
    expect(await ask(["--setting"], { env: { VSYNC_PASSPHRASE: "🎉🎉🎉🎉🎉🎉" } })).toEqual(short);
    expect(await ask(["--setting"], { env: { VSYNC_PASSPHRASE: "twelve chars" } })).toEqual(given("twelve chars"));
    expect(await ask([], { env: { VSYNC_PASSPHRASE: "short" } })).toEqual(given("short"));
  });

  test("stdin that is empty or not text", async () => {
    expect(await ask(["--passphrase-file=-"], { stdin: "\n" })).toEqual(refused("the passphrase is empty", WAYS));
    const message = "the passphrase on stdin is not UTF-8 text";
    expect(await ask(["--passphrase-file=-"], { stdin: Uint8Array.of(0xff) })).toEqual(refused(message, WAYS));
  });

  test("more than 1 MiB on stdin is not read on", async () => {
    const message = "--passphrase-file: stdin holds more than 1048576 bytes";
    expect(await ask(["--passphrase-file=-"], { stdin: "x".repeat(1024 * 1024 + 1) })).toEqual(
      refused(message, "check what you pipe in"),
    );
  });

  test("a file that is refused is named, unless its path may be the secret itself", async () => {
    const path = join(sandbox.work, "none");
    const hint = "put it into a file of mode 0600";
    const message = `the file that --passphrase-file names, ${path}, is not there`;
    expect(await ask([`--passphrase-file=${path}`])).toEqual(refused(message, hint));
    const env = { VSYNC_PASSPHRASE_FILE: "hunter2hunter2" };
    expect(await ask([], { env })).toEqual(refused("the file that VSYNC_PASSPHRASE_FILE names is not there", hint));
  });

  test("a file that others can read is taken with a warning, one that others can change is not", async () => {
    const path = await sandbox.write("work/open", "hunter2", 0o644);
    expect(await ask([`--passphrase-file=${path}`])).toEqual({
      ...given("hunter2"),
      stderr: `vsync: warning: the file that --passphrase-file names, ${path}, is open to other users (mode 0644): make it readable by you alone (chmod 600)\n`,
    });
    await sandbox.write("work/open", "hunter2", 0o666);
    const { stdout, stderr, exitCode } = await ask([`--passphrase-file=${path}`]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain("can be changed by every user of this machine (mode 0666)");
  });
});

describe("on a terminal", () => {
  test("it is asked for, and neither it nor its length is shown", async () => {
    const session = await sandbox.terminal(["ask"]);
    await session.shows("Passphrase:");
    session.answer("correct horse");
    const { screen, stdout, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({
      ...given("correct horse"),
      stderr: undefined,
      isRestored: true,
    });
    expect(screen).not.toMatch(/correct|horse|\*/);
  });

  test("one that is being set is asked for twice", async () => {
    const session = await sandbox.terminal(["ask", "--setting"]);
    await session.shows("New passphrase:");
    session.answer("twelve chars");
    await session.shows("Confirm new passphrase:");
    session.answer("twelve chars");
    expect(await session.end()).toMatchObject({ stdout: given("twelve chars").stdout, exitCode: 0 });
  });

  test("a mismatch or a short one is asked for again, up to three times", async () => {
    const session = await sandbox.terminal(["ask", "--setting"]);
    await session.shows("New passphrase:");
    session.answer("short");
    await session.shows("the passphrase is shorter than 12 characters: try again");
    for (let time = 0; time < 3; time++) {
      await session.shows("New passphrase:");
      session.answer("twelve chars");
      await session.shows("Confirm new passphrase:");
      session.answer("twelve chairs");
    }
    await session.shows("vsync: error: the passphrase was not typed the same twice");
    const { screen, stdout, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 1, isRestored: true });
    expect(screen).not.toMatch(/twelve/);
  });

  test("Ctrl-C ends with 130, and the terminal is as it was", async () => {
    const session = await sandbox.terminal(["ask"]);
    await session.shows("Passphrase:");
    session.press("hunt\u0003");
    const { screen, rawScreen, stdout, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 130, isRestored: true });
    expect(screen).toContain("vsync: error: interrupted");
    expect(rawScreen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(rawScreen.lastIndexOf("\u001b[?25l"));
  });

  test("so does a signal, and the cursor is back", async () => {
    await using shell = await openSandbox(["/bin/sh", "-c"]);
    const session = await shell.terminal([`echo $$ >pid; exec ${PROBE.join(" ")} ask`]);
    await session.shows("Passphrase:");
    process.kill(Number(readFileSync(join(shell.work, "pid"), "utf8")), "SIGTERM");
    const { screen, rawScreen, stdout, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 143, isRestored: true });
    expect(screen).toContain("vsync: error: ended by SIGTERM");
    expect(rawScreen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(rawScreen.lastIndexOf("\u001b[?25l"));
  });

  test("- is not read from a terminal, where it would be seen", async () => {
    const session = await sandbox.terminal(["ask", "--passphrase-file=-"]);
    await session.shows("vsync: error: --passphrase-file reads stdin, which is a terminal");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 1 });
  });

  test("who cannot see the question is not asked", async () => {
    await using shell = await openSandbox(["/bin/sh", "-c"]);
    const session = await shell.terminal([`${PROBE.join(" ")} ask 2>err; code=$?; cat err; exit $code`]);
    expect(await session.end()).toMatchObject({ stdout: refused("missing the passphrase", WAYS).stderr, exitCode: 1 });
  });
});

describe("other questions", () => {
  test("have defaults, are checked, and leave stdout to the result", async () => {
    const session = await sandbox.terminal(["confirm"]);
    await session.shows("Name: [api]");
    session.answer("x");
    await session.shows("too short");
    session.press("\u007f");
    session.answer("web");
    await session.shows("Store:");
    session.press("\u001b[B\r");
    await session.shows("Re-encrypt bundle and push? [y/N]");
    session.answer("y");
    const { stdout, exitCode, isRestored } = await session.end();
    expect(JSON.parse(stdout)).toEqual({ name: "web", store: "s3", sure: true });
    expect({ exitCode, isRestored }).toEqual({ exitCode: 0, isRestored: true });
  });

  test("Enter takes the default, which is no", async () => {
    const session = await sandbox.terminal(["confirm"]);
    await session.shows("Name: [api]");
    session.answer("");
    await session.shows("Store:");
    session.answer("");
    await session.shows("[y/N]");
    session.answer("");
    expect(JSON.parse((await session.end()).stdout)).toEqual({ name: "api", store: "file", sure: false });
  });

  test("are not asked without a terminal", async () => {
    expect(await sandbox.run(["confirm"], { stdin: "web\n" })).toEqual(
      refused("cannot ask without a terminal: Name:", "answer with a flag instead"),
    );
  });
});
