import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Machine, machineOnDisk, NEW, OLD } from "../support/program/machine.ts";
import type { TerminalSession } from "../support/program/terminal.ts";

let machine: Machine;
beforeEach(async () => {
  machine = await machineOnDisk();
});
afterEach(() => machine[Symbol.asyncDispose]());

const CTRL_C = "\u0003";
const ARGS = ["rotate-passphrase", "--env=prod"];

/** Nothing is given but by typing. */
const start = (...args: string[]): Promise<TerminalSession> =>
  machine.terminal([...ARGS, ...args], { VSYNC_PASSPHRASE: undefined });

async function type(session: TerminalSession, ...answers: [question: string, answer: string][]): Promise<void> {
  for (const [question, answer] of answers) {
    await session.shows(question);
    session.answer(answer);
  }
}

async function expectUntouched(act: () => Promise<void>): Promise<void> {
  const [disk, objects] = [await machine.sandbox.snapshot(), await machine.objects()];
  await act();
  expect(await machine.objects()).toEqual(objects);
  expect(await machine.sandbox.snapshot()).toEqual(disk);
  expect(await machine.sight(OLD)).toBe("writes");
}

test("the four prompts in their order, then the three lines; nothing typed is shown", async () => {
  const session = await start();
  await type(
    session,
    ["Old passphrase:", OLD],
    ["New passphrase:", NEW],
    ["Confirm new passphrase:", NEW],
    ["Re-encrypt bundle and push? [y/N]", "y"],
  );
  const { screen, rawScreen, stdout, exitCode, isRestored } = await session.end();
  expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 0, isRestored: true });
  const lines = [
    "✓ Bundle re-encrypted with new passphrase (gen=1 → gen=2)",
    "✓ Manifest pointer updated atomically (ETag-conditional)",
    "✓ Audit log entry written",
  ];
  expect(screen).toContain(`${lines.join("\r\n")}\r\n`);
  for (const secret of [OLD, NEW]) expect(rawScreen).not.toContain(secret);
  expect(await machine.sight(NEW)).toBe("writes");
});

describe("a confirmation that does not match", () => {
  const mismatch: [string, string][] = [
    ["New passphrase:", NEW],
    ["Confirm new passphrase:", "something else"],
  ];

  test("is asked again, and may then be right", async () => {
    const session = await start("--yes");
    await type(session, ["Old passphrase:", OLD], ...mismatch, ...mismatch, ...mismatch);
    await session.shows("the new passphrase was not typed the same twice: try again");
    await type(session, ["New passphrase:", NEW], ["Confirm new passphrase:", NEW]);
    expect(await session.end()).toMatchObject({ exitCode: 0, stdout: "", isRestored: true });
    expect(await machine.sight(NEW)).toBe("writes");
  });

  test("is asked again three times, not more", async () => {
    await expectUntouched(async () => {
      const session = await start();
      await type(session, ["Old passphrase:", OLD], ...mismatch, ...mismatch, ...mismatch, ...mismatch);
      await session.shows("vsync: error: the new passphrase was not typed the same twice");
      const { screen, ...end } = await session.end();
      expect(end).toMatchObject({ exitCode: 1, stdout: "", isRestored: true });
      expect(screen.match(/was not typed the same twice: try again/g)).toHaveLength(3);
    });
  });
});

describe("Ctrl-C leaves everything as it was", () => {
  const answers: [string, string][] = [
    ["Old passphrase:", OLD],
    ["New passphrase:", NEW],
    ["Confirm new passphrase:", NEW],
    ["Re-encrypt bundle and push?", "y"],
  ];

  test.each(answers.map(([question], at) => [question, at] as const))("at %s", async (question, at) => {
    await expectUntouched(async () => {
      const session = await start("--grace=1h");
      await type(session, ...answers.slice(0, at));
      await session.shows(question);
      session.press(CTRL_C);
      const { exitCode, stdout, isRestored, screen } = await session.end();
      expect({ exitCode, stdout, isRestored }).toEqual({ exitCode: 130, stdout: "", isRestored: true });
      expect(screen).not.toContain("✓");
    });
  });

  test("with --generate --out there is no file", async () => {
    await expectUntouched(async () => {
      const session = await start("--generate", "--out=new");
      await type(session, ["Old passphrase:", OLD]);
      await session.shows("Re-encrypt bundle and push?");
      session.press(CTRL_C);
      expect(await session.end()).toMatchObject({ exitCode: 130, stdout: "", isRestored: true });
    });
  });
});

test.each(["n", "", "no"])("the question answered with %j", async (answer) => {
  await expectUntouched(async () => {
    const session = await start("--generate", "--out=new");
    await type(session, ["Old passphrase:", OLD], ["Re-encrypt bundle and push? [y/N]", answer]);
    const { exitCode, stdout, isRestored, screen } = await session.end();
    expect({ exitCode, stdout, isRestored }).toEqual({ exitCode: 1, stdout: "", isRestored: true });
    expect(screen).toContain("vsync: error: not confirmed: nothing was written");
  });
});

test("a wrong old passphrase is refused before anybody thinks of a new one", async () => {
  const session = await start();
  await type(session, ["Old passphrase:", "not the old passphrase"]);
  const { exitCode, stdout, isRestored, screen } = await session.end();
  expect({ exitCode, stdout, isRestored }).toEqual({ exitCode: 1, stdout: "", isRestored: true });
  expect(screen).toContain("vsync: error: wrong passphrase for api/prod");
  expect(screen).not.toContain("New passphrase:");
});

test("the old passphrase typed as the new one", async () => {
  await expectUntouched(async () => {
    const session = await start();
    await type(session, ["Old passphrase:", OLD], ["New passphrase:", OLD], ["Confirm new passphrase:", OLD]);
    const { exitCode, screen } = await session.end();
    expect(exitCode).toBe(1);
    expect(screen).toContain("vsync: error: the new passphrase is the old one");
  });
});

test("what is typed while the old passphrase is checked is not shown", async () => {
  const session = await start("--yes");
  await type(session, ["Old passphrase:", OLD]);
  // how the question is left when it has been answered
  await session.shows("✔ Old passphrase:");
  // Ctrl-U, in case the next question is there already
  session.press(`${NEW}\u0015`);
  await type(session, ["New passphrase:", NEW], ["Confirm new passphrase:", NEW]);
  const { rawScreen, exitCode, isRestored } = await session.end();
  expect({ exitCode, isRestored }).toEqual({ exitCode: 0, isRestored: true });
  expect(rawScreen).not.toContain(NEW);
  expect(await machine.sight(NEW)).toBe("writes");
});

test("what is given otherwise is not asked for; a rotation meanwhile is a conflict", async () => {
  const session = await machine.terminal(ARGS, { VSYNC_NEW_PASSPHRASE: NEW });
  await session.shows("Re-encrypt bundle and push?");
  await machine.rotateElsewhere(OLD, "the passphrase of somebody else");
  session.answer("y");
  const { exitCode, stdout, screen } = await session.end();
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
  expect(screen).not.toContain("assphrase:");
  expect(screen).toContain("vsync: error: another writer committed generation 2 first");
  expect(screen).not.toContain("✓");
  expect(await machine.sight("the passphrase of somebody else")).toBe("writes");
});

test("--generate shows the new passphrase on the terminal, once", async () => {
  const session = await machine.sandbox.terminal([...ARGS, "--generate", "--yes"], {
    env: machine.env,
    showStdout: true,
  });
  const { screen, exitCode } = await session.end();
  expect(exitCode).toBe(0);
  const shown = screen.match(/([0-9a-z]{4}-){6}[0-9a-z]{4}/g) ?? [];
  expect(shown).toHaveLength(1);
  expect(await machine.sight(shown[0] ?? "")).toBe("writes");
});
