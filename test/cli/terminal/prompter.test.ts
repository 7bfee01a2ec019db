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

/** The cursor was hidden while the question stood, and is back. */
function expectCursor(rawScreen: string): void {
  expect(rawScreen.lastIndexOf("\u001b[?25h")).toBeGreaterThan(rawScreen.lastIndexOf("\u001b[?25l"));
}

describe("a secret", () => {
  test("is asked for, and neither it nor its length is shown", async () => {
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

  test("is not asked for where stderr is not the terminal, because nobody would see the question", async () => {
    const session = await shell.terminal([`${PROBE.join(" ")} ask 2>err; code=$?; cat err; exit $code`]);
    const { stdout, exitCode } = await session.end();
    expect([stdout.split("\n")[0], exitCode]).toEqual(["vsync: error: missing the passphrase", 1]);
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

  test("take the default at Enter, which is no for yes or no", async () => {
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
