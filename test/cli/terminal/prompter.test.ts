/** @module-tag process */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "../../support/program/sandbox.ts";
import { PROBE } from "../probe.ts";

let sandbox: Sandbox;
let shell: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox(PROBE);
  shell = await openSandbox(["/bin/sh", "-c"]);
});
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]();
  await shell[Symbol.asyncDispose]();
});

/** The cursor was hidden during the question, and shows again. */
function expectCursor(rawScreen: string): void {
  expect(rawScreen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(rawScreen.lastIndexOf("\u001b[?25l"));
}

describe("a secret", () => {
  test("is asked for, and the terminal shows neither it nor its length", async () => {
    const session = await sandbox.terminal(["ask"]);
    await session.shows("Passphrase:");
    session.answer("correct horse");
    const { screen, stdout, exitCode, isRestored } = await session.end();
    const said = { secret: "[secret]", bytes: 13, text: "correct horse" };
    expect([JSON.parse(stdout), exitCode, isRestored]).toEqual([said, 0, true]);
    expect(screen).not.toMatch(/correct|horse|\*/);
  });

  test("at Ctrl-C the program ends with 130, and the terminal is as it was", async () => {
    const session = await sandbox.terminal(["ask"]);
    await session.shows("Passphrase:");
    session.press("hunt\u0003");
    const { screen, rawScreen, stdout, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 130, isRestored: true });
    expect(screen).toContain("vsync: error: interrupted");
    expectCursor(rawScreen);
  });

  test("at a signal likewise", async () => {
    const session = await shell.terminal([`echo $$ >pid; exec ${PROBE.join(" ")} ask`]);
    await session.shows("Passphrase:");
    process.kill(Number(readFileSync(join(shell.work, "pid"), "utf8")), "SIGTERM");
    const { screen, rawScreen, stdout, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 143, isRestored: true });
    expect(screen).toContain("vsync: error: ended by SIGTERM");
    expectCursor(rawScreen);
  });

  test("is asked for on the terminal itself where stdin and stderr lead elsewhere", async () => {
    const session = await shell.terminal([`${PROBE.join(" ")} ask </dev/null 2>err`]);
    await session.shows("Passphrase:");
    session.answer("correct horse");
    const { screen, stdout, exitCode, isRestored } = await session.end();
    expect([JSON.parse(stdout).text, exitCode, isRestored]).toEqual(["correct horse", 0, true]);
    expect(screen).not.toMatch(/correct|horse|\*/);
  });

  test("is followed by silence: what is typed next does not show, and Ctrl-C works", async () => {
    const session = await shell.terminal([`trap : INT; ${PROBE.join(" ")} ask --wait; echo $?; head -n 1`]);
    await session.shows("Passphrase:");
    session.answer("correct horse");
    await session.shows("echoes nothing");
    session.press("once more\r\u0003");
    await session.shows("vsync: error: interrupted");
    session.answer("to the shell");
    expect((await session.end()).stdout).toBe("130\nto the shell\n");
  });

  test("ignores what was typed before the question, but a Ctrl-C in it ends the program", async () => {
    const session = await shell.terminal([`stty -echo; head -c 1 >/dev/null; stty echo; ${PROBE.join(" ")} ask`]);
    session.answer("typed ahead");
    await session.shows("Passphrase:");
    session.answer("correct horse");
    expect(JSON.parse((await session.end()).stdout).text).toBe("correct horse");
  });
});

describe("no question is asked", () => {
  test.each(["CI=1", "CI=true", "VSYNC_NO_INPUT=1"])("with %s on a terminal", async (variable) => {
    const session = await shell.terminal([`${variable} ${PROBE.join(" ")} ask 2>&1`]);
    const { stdout, exitCode } = await session.end();
    expect([stdout.split("\n")[0], exitCode]).toEqual(["vsync: error: missing the passphrase", 1]);
  });

  test("with --no-input, nor in the background, where reading would stop the program", async () => {
    const session = await shell.terminal([
      `${PROBE.join(" ")} ask --no-input 2>&1; set -m; ${PROBE.join(" ")} ask </dev/tty >out 2>&1 & wait $!; echo $?; cat out`,
    ]);
    const { stdout, exitCode } = await session.end();
    const said = "vsync: error: missing the passphrase";
    expect([stdout.split("\n").filter((line) => line === said || line === "1"), exitCode]).toEqual([
      [said, "1", said],
      0,
    ]);
  });

  test.each(["CI=0", "CI=false", "VSYNC_NO_INPUT="])("but with %s somebody is", async (variable) => {
    const session = await shell.terminal([`${variable} ${PROBE.join(" ")} ask`]);
    await session.shows("Passphrase:");
    session.answer("x");
    expect((await session.end()).exitCode).toBe(0);
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

  test("take the default at Enter, which means no for yes or no", async () => {
    const session = await sandbox.terminal(["confirm"]);
    for (const question of ["Name: [api]", "Store:", "[y/N]"]) {
      await session.shows(question);
      session.answer("");
    }
    expect(JSON.parse((await session.end()).stdout)).toEqual({ name: "api", store: "file", sure: false });
  });

  test("are errors without a terminal", async () => {
    const stderr = "vsync: error: cannot ask without a terminal: Name:\nvsync: hint: answer with a flag instead\n";
    expect(await sandbox.run(["confirm"], { stdin: "web\n" })).toEqual({ stdout: "", stderr, exitCode: 1 });
  });
});
