import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Machine, machineOnDisk, NEW, OLD } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";

let machine: Machine;
/** Generation 1 holds DATABASE_URL, 2 holds A and B. */
beforeEach(async () => {
  machine = await machineOnDisk();
  const { exitCode, stderr } = await machine.run(["push", "prod", "--from=-"], { stdin: "A=1\nB=2\n" });
  expect(exitCode, stderr).toBe(0);
});
afterEach(() => machine[Symbol.asyncDispose]());

const restore = (args: readonly string[], env: Record<string, string> = {}): Promise<Transcript> =>
  machine.run(["restore", "prod", ...args], { env });

async function names(passphrase: string): Promise<string[]> {
  return (await machine.open(passphrase)).bundle.items.map((item) => item.name);
}

async function expectUnchanged(act: () => Promise<void>): Promise<void> {
  const objects = await machine.objects();
  await act();
  expect(await machine.objects()).toEqual(objects);
}

test("a new generation from an old one", async () => {
  expect(await restore(["--gen=1", "--note=the push was wrong"])).toEqual({
    stdout: "",
    stderr: "  + DATABASE_URL\n  - A\n  - B\n✓ Restored gen=1 of prod (gen=3)\n",
    exitCode: 0,
  });
  expect(await names(OLD)).toEqual(["DATABASE_URL"]);
  expect(await machine.manifest()).toMatchObject({
    action: "restore",
    meta: { event: "restore", from_gen: 1 },
    note: "the push was wrong",
  });
  expect(await machine.chain(OLD)).toEqual({ gens: [1, 2, 3], outstanding: null });
});

test("what the vault holds already: nothing is written", async () => {
  await expectUnchanged(async () => {
    const stderr = "gen=2 has the same content as the vault now\nnothing was written\n";
    expect(await restore(["--gen=2"])).toEqual({ stdout: "", stderr, exitCode: 0 });
  });
});

test("a terminal is asked; no is the default", async () => {
  await expectUnchanged(async () => {
    const session = await machine.terminal(["restore", "prod", "--gen=1"]);
    await session.shows("Restore gen=1? [y/N]");
    session.answer("");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 0, isRestored: true });
  });
  const session = await machine.terminal(["restore", "prod", "--gen=1"]);
  await session.shows("Restore gen=1? [y/N]");
  session.answer("y");
  expect((await session.end()).exitCode).toBe(0);
  expect(await names(OLD)).toEqual(["DATABASE_URL"]);
});

describe("across a rotation", () => {
  beforeEach(async () => {
    const { exitCode, stderr } = await machine.rotate();
    expect(exitCode, stderr).toBe(0);
  });

  test("needs the passphrase of that time", async () => {
    await expectUnchanged(async () => {
      const transcript = await restore(["--gen=1"], { VSYNC_PASSPHRASE: NEW });
      expect(transcript).toMatchObject({ stdout: "", exitCode: 1 });
      expect(transcript.stderr).toContain("vsync: error: wrong passphrase for generation 1\n");
      expect(await restore(["--gen=1"], { VSYNC_PASSPHRASE: NEW, VSYNC_THEN_PASSPHRASE: "wrong" })).toMatchObject({
        exitCode: 1,
      });
    });
  });

  test("which a file gives; the vault stays under today's", async () => {
    const file = await machine.sandbox.write("then", OLD);
    const transcript = await restore(["--gen=1", `--then-passphrase-file=${file}`], { VSYNC_PASSPHRASE: NEW });
    expect(transcript).toMatchObject({ stdout: "", exitCode: 0 });
    expect(await names(NEW)).toEqual(["DATABASE_URL"]);
    expect(await machine.sight(OLD)).toBe("WrongPassphraseError");
  });

  test("or a person", async () => {
    const session = await machine.terminal(["restore", "prod", "--gen=1", "--yes"], { VSYNC_PASSPHRASE: NEW });
    await session.shows("Passphrase of gen=1:");
    session.answer(OLD);
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 0, isRestored: true });
    expect(await names(NEW)).toEqual(["DATABASE_URL"]);
  });

  test("a generation of today's passphrase needs no other", async () => {
    const env = { VSYNC_PASSPHRASE: NEW };
    await machine.run(["push", "prod", "--from=-"], { stdin: "C=1\n", env });
    expect(await restore(["--gen=3"], env)).toMatchObject({ exitCode: 0 });
    expect(await names(NEW)).toEqual(["A", "B"]);
  });
});

test("a bundle that is gone: 6, nothing is written", async () => {
  const { rows } = JSON.parse((await machine.run(["audit", "prod", "--json"])).stdout);
  await machine.store.delete(rows[0].bundle.key);
  await expectUnchanged(async () => {
    const transcript = await restore(["--gen=1"]);
    expect(transcript).toMatchObject({ stdout: "", exitCode: 6 });
    expect(transcript.stderr).toContain(`the bundle ${rows[0].bundle.key} is not there`);
  });
});

test("a generation that never was: 1", async () => {
  expect(await restore(["--gen=7"])).toMatchObject({ stdout: "", exitCode: 1 });
  expect(await restore([])).toMatchObject({ stdout: "", exitCode: 1 });
});
