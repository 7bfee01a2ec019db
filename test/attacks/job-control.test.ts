import { afterEach, beforeEach, expect, test } from "vitest";
import { openSandbox, programUnderTest, type Sandbox } from "../support/program/sandbox.ts";
import type { TerminalSession } from "../support/program/terminal.ts";

/* Starts vsync in a shell with job control, like a person. */

const PASSPHRASE = "correct horse battery";
const VSYNC = programUnderTest().join(" ");

let shell: Sandbox;
beforeEach(async () => {
  shell = await openSandbox(["bash", "--norc", "--noprofile", "-i"]);
});
afterEach(() => shell[Symbol.asyncDispose]());

const openShell = (): Promise<TerminalSession> =>
  shell.terminal([], { showStdout: true, env: { VSYNC_REPO: "api", PS1: "", NO_COLOR: "1" } });

/** Ways to stop a prompt: by its user, or by somebody else, which the line reader does not notice. */
const STOPS = [
  ["Ctrl-Z", async (session: TerminalSession) => session.press("\u001a")],
  ["SIGSTOP", (session: TerminalSession) => session.signal("SIGSTOP")],
] as const;

test.each(STOPS)(
  "%s at a hidden prompt and fg: the prompt continues, and typed text stays hidden",
  async (_title, stop) => {
    const session = await openShell();
    session.answer(`${VSYNC} init --env=prod --local`);
    await session.shows("New passphrase:");
    await stop(session);
    await session.shows("Stopped");
    session.answer("fg");
    await session.shows("? New passphrase: ");
    session.answer(PASSPHRASE);
    await session.shows("Confirm new passphrase:");
    await stop(session);
    await session.shows("Stopped");
    // What is typed while a program gives the terminal back may be dropped, so the shell is told to end before.
    session.answer("fg; exit");
    await session.shows("? Confirm new passphrase: ");
    session.answer(PASSPHRASE);
    await session.shows("next: vsync push prod");
    const { screen, isRestored } = await session.end();
    expect(screen).not.toContain(PASSPHRASE);
    expect(screen).not.toContain("the input ended");
    expect(isRestored).toBe(true);
  },
);

test("while stopped, the cursor shows and the terminal echoes; Ctrl-C after fg ends it", async () => {
  const session = await openShell();
  session.answer(`${VSYNC} init --env=prod`);
  await session.shows("live?");
  session.press("\u001a");
  await session.shows("Stopped");
  session.answer("stty -a | grep -o ' echo '; echo looked-$((1+1))");
  await session.shows("looked-2");
  session.answer("fg; exit $?");
  await session.shows("? Where should the vault live?");
  session.press("\u0003");
  await session.shows("vsync: error: interrupted");
  const { exitCode, rawScreen, screen } = await session.end();
  expect(exitCode).toBe(130);
  const stopped = rawScreen.slice(0, rawScreen.indexOf("Stopped"));
  expect(stopped.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stopped.lastIndexOf("\u001b[?25l"));
  expect(screen).toMatch(/^ echo \r?\nlooked-2/m);
});
