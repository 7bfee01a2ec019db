import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Machine, machineOnDisk, NEW, OLD } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";

let machine: Machine;
/** Generation 1 holds DATABASE_URL, 2 holds A and B, 3 is a rotation to `NEW`, 4 holds B (another one) and C. */
beforeEach(async () => {
  machine = await machineOnDisk();
  await push(OLD, "A=1\nB=planted-value-1\n");
  const rotated = await machine.rotate(["--note=quarterly"]);
  expect(rotated.exitCode, rotated.stderr).toBe(0);
  await push(NEW, "B=planted-value-2\nC=3\n");
});
afterEach(() => machine[Symbol.asyncDispose]());

async function push(passphrase: string, stdin: string): Promise<void> {
  const { exitCode, stderr } = await machine.run(["push", "prod", "--from=-"], {
    stdin,
    env: { VSYNC_PASSPHRASE: passphrase },
  });
  expect(exitCode, stderr).toBe(0);
}

const NAMES = { "<instant>": /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "<actor> ": /\S+@\S+ +/g };
const run = async (...args: string[]): Promise<Transcript> =>
  machine.sandbox.tidy(await machine.run(args, { env: { VSYNC_PASSPHRASE: NEW } }), NAMES);

describe("history", () => {
  test("generation, when, who, action, bundle, note", async () => {
    const row = (await machine.manifest()).audit;
    expect(row?.gen).toBe(3);
    expect(await run("history", "prod")).toEqual({
      stdout: `1  <instant>  <actor> push    kept
2  <instant>  <actor> push    kept
3  <instant>  <actor> rotate  kept     quarterly
4  <instant>  <actor> push    current
`,
      stderr: "",
      exitCode: 0,
    });
  });

  test("a bundle that is gone; a generation whose row is outstanding", async () => {
    const { generations } = JSON.parse((await run("history", "prod", "--json")).stdout);
    await machine.store.delete(generations[1].key);
    await machine.store.delete("audit/000000000004");
    const { stdout } = await run("history", "prod", "--json");
    const { gen, generations: now } = JSON.parse(stdout);
    expect(gen).toBe(4);
    expect(now.map((it: { gen: number; bundle: string }) => [it.gen, it.bundle])).toEqual([
      [1, "kept"],
      [2, "gone"],
      [3, "kept"],
      [4, "current"],
    ]);
    expect(Object.keys(now[2])).toEqual(["gen", "at", "action", "actor", "note", "key", "size", "bundle"]);
  });

  test("--tail, and on a terminal a head", async () => {
    expect((await run("history", "prod", "--tail=1")).stdout).toBe("4  <instant>  <actor> push  current\n");
    const env = { ...machine.env, VSYNC_PASSPHRASE: NEW };
    const session = await machine.sandbox.terminal(["history", "prod"], { env, showStdout: true });
    expect((await session.end()).screen).toMatch(
      /^GEN {2}WHEN +AGO +WHO +ACTION {2}BUNDLE {3}NOTE\r\n {2}1 {2}\S+Z {2}\d+ (s|min) /,
    );
  });
});

describe("diff", () => {
  test("between two generations of today's passphrase: names on stdout, never values", async () => {
    expect(await run("diff", "prod", "--from-gen=3")).toEqual({
      stdout: "+ C\n~ B\n- A\n",
      stderr: "gen=3 → gen=4: 1 added, 1 changed, 1 removed\n",
      exitCode: 0,
    });
    expect(await run("diff", "prod", "--from-gen=4", "--to-gen=3")).toMatchObject({ stdout: "+ A\n~ B\n- C\n" });
    expect(await run("diff", "prod", "--from-gen=4", "--to-gen=4")).toEqual({
      stdout: "",
      stderr: "gen=4 → gen=4: no changes\n",
      exitCode: 0,
    });
  });

  test("--json", async () => {
    expect(JSON.parse((await run("diff", "prod", "--from-gen=3", "--json")).stdout)).toEqual({
      env: "prod",
      from_gen: 3,
      to_gen: 4,
      added: ["C"],
      changed: ["B"],
      removed: ["A"],
    });
  });

  test("across a rotation: the passphrase of that time, from a file or a variable", async () => {
    const refused = await run("diff", "prod", "--from-gen=2");
    expect(refused).toEqual({
      stdout: "",
      stderr: `vsync: error: wrong passphrase for generation 2
vsync: hint: give the passphrase that was in use then, with --then-passphrase-file or at the prompt
`,
      exitCode: 1,
    });
    const file = await machine.sandbox.write("then", OLD);
    const byFile = await run("diff", "prod", "--from-gen=2", "--to-gen=3", `--then-passphrase-file=${file}`);
    expect(byFile).toMatchObject({ stdout: "", exitCode: 0 });
    const env = { VSYNC_PASSPHRASE: NEW, VSYNC_THEN_PASSPHRASE: OLD };
    const byVariable = await machine.run(["diff", "prod", "--from-gen=1", "--to-gen=2"], { env });
    expect(byVariable).toMatchObject({ stdout: "+ A\n+ B\n- DATABASE_URL\n", exitCode: 0 });
    const piped = await machine.run(["diff", "prod", "--from-gen=1", "--to-gen=2", "--then-passphrase-file=-"], {
      env: { VSYNC_PASSPHRASE: NEW },
      stdin: OLD,
    });
    expect(piped, piped.stderr).toMatchObject({ exitCode: 0 });
  });

  test("across a rotation on a terminal: asked for", async () => {
    const session = await machine.terminal(["diff", "prod", "--from-gen=2"], { VSYNC_PASSPHRASE: NEW });
    await session.shows("Passphrase of gen=2:");
    session.answer(OLD);
    expect(await session.end()).toMatchObject({ stdout: "+ C\n~ B\n- A\n", exitCode: 0, isRestored: true });
  });

  test.each([
    ["a generation that is not there", ["--from-gen=9"], "there is no generation 9: the vault has 1…4"],
    ["none", [], "missing --from-gen"],
    ["no number", ["--from-gen=x"], "--from-gen must be an integer"],
    ["zero", ["--from-gen=0"], "--from-gen must be an integer"],
  ])("%s: 1", async (_name, args, message) => {
    const transcript = await run("diff", "prod", ...args);
    expect(transcript).toMatchObject({ stdout: "", exitCode: 1 });
    expect(transcript.stderr).toContain(`vsync: error: ${message}`);
  });
});
