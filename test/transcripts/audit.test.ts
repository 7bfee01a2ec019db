import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Machine, machineOn, machineOnDisk, NEW, OLD, startStrictS3 } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";

let machine: Machine;
beforeEach(async () => {
  machine = await machineOnDisk();
});
afterEach(() => machine[Symbol.asyncDispose]());

const NAMES = { "<instant>": /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, "<actor> ": /\S+@\S+ +/g };
const tidy = (transcript: Transcript): Transcript => machine.sandbox.tidy(transcript, NAMES);

/** Generation 2 is a push, generation 3 a rotation to `NEW`. */
async function threeGenerations(): Promise<void> {
  const pushed = await machine.run(["push", "prod", "--from=-", "--note=first, then\nsecond"], { stdin: "A=1\n" });
  expect(pushed.exitCode, pushed.stderr).toBe(0);
  const rotated = await machine.rotate(["--note", 'it\'s a ="quoted" note', "--meta=ticket=OPS-7"]);
  expect(rotated.exitCode, rotated.stderr).toBe(0);
}

const audit = (...args: string[]): Promise<Transcript> =>
  machine.run(["audit", ...args], { env: { VSYNC_PASSPHRASE: NEW } });

function objectPath(key: string): string {
  return `home/store/vaults/api/prod/${key}`;
}

async function alter(key: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const bytes = await readFile(`${machine.sandbox.folder}/${objectPath(key)}`);
  await machine.sandbox.write(objectPath(key), change(bytes));
}

describe("audit", () => {
  test("a table without a head: time, actor, action, gen, note", async () => {
    await threeGenerations();
    expect(tidy(await audit("prod"))).toEqual({
      stdout: `<instant>  <actor> push    1
<instant>  <actor> push    2  first, then\\nsecond
<instant>  <actor> rotate  3  it's a ="quoted" note
`,
      stderr: "",
      exitCode: 0,
    });
  });

  test("with a head on a terminal", async () => {
    const session = await machine.sandbox.terminal(["audit", "prod"], { env: machine.env, showStdout: true });
    const { screen, exitCode } = await session.end();
    expect(exitCode).toBe(0);
    const [head, row] = screen.split("\r\n");
    expect(head).toMatch(/^TIME {18}AGO +ACTOR {8}ACTION {2}GEN {2}NOTE$/);
    expect(row).toMatch(/^\S+Z {2}\d+ (s|min) +ann@build-7 {2}push {6}1$/);
  });

  test("--csv: a head, quotes where they are needed, one line for each row", async () => {
    await threeGenerations();
    const { stdout, exitCode } = await audit("prod", "--csv");
    expect(exitCode).toBe(0);
    const [head, first, second, third, ...rest] = stdout.split("\n");
    expect(head).toBe("time,user,host,tool,action,gen,note,meta");
    expect(first).toMatch(/^[^,]+Z,ann,build-7,vsync\/test,push,1,,\{\}$/);
    expect(second).toMatch(/,push,2,"first, then\\nsecond",\{\}$/);
    expect(third).toMatch(
      /,rotate,3,"it's a =""quoted"" note","\{""event"":""rotate"",""gen"":3,""prev_gen"":2,""ticket"":""OPS-7""\}"$/,
    );
    expect(rest).toEqual([""]);
  });

  test("--json: the rows as they are, and which is outstanding", async () => {
    await threeGenerations();
    const { stdout } = await audit("prod", "--json");
    const { rows, ...head } = JSON.parse(stdout);
    expect(head).toEqual({ env: "prod", gen: 3, outstanding: null });
    expect(rows.map(({ gen, action }: { gen: number; action: string }) => [gen, action])).toEqual([
      [1, "push"],
      [2, "push"],
      [3, "rotate"],
    ]);
    expect(rows[2]).toMatchObject({ format: "vsync-audit-v1", meta: { event: "rotate", ticket: "OPS-7" } });
    expect(rows[1].note).toBe("first, then\nsecond");
  });

  test("--tail: the newest", async () => {
    await threeGenerations();
    expect(JSON.parse((await audit("prod", "--tail=2", "--json")).stdout).rows).toHaveLength(2);
    expect(JSON.parse((await audit("prod", "--tail=99", "--json")).stdout).rows).toHaveLength(3);
    expect(await audit("prod", "--tail=0")).toMatchObject({ stdout: "", exitCode: 1 });
  });

  test("a note cannot act upon the terminal", async () => {
    const note = "\u001b[31mred\u202e";
    await machine.rotate([`--note=${note}`]);
    const { stdout } = await audit("prod");
    expect(stdout).toContain("\\x1b[31mred\\u202e");
    expect(stdout).not.toContain("\u001b");
    expect(JSON.parse((await audit("prod", "--json")).stdout).rows[1].note).toBe(note);
  });

  test("takes the passphrase, and no wrong one", async () => {
    expect(await machine.run(["audit", "prod"], { env: { VSYNC_PASSPHRASE: "wrong" } })).toMatchObject({
      stdout: "",
      exitCode: 1,
    });
    expect(await machine.run(["audit", "prod"], { env: { VSYNC_PASSPHRASE: undefined } })).toMatchObject({
      stdout: "",
      exitCode: 1,
    });
  });

  test("what is shown is verified: a broken row further back is not reached", async () => {
    await threeGenerations();
    await alter("audit/000000000001", (bytes) => Buffer.concat([bytes, Buffer.from("x")]));
    expect(await audit("prod", "--tail=2")).toMatchObject({ stderr: "", exitCode: 0 });
    expect(tidy(await audit("prod"))).toMatchObject({ stdout: "", exitCode: 6 });
  });

  test("the tail of a long log: neither listed nor fetched whole", async () => {
    await using server = await startedServer();
    await using remote = await machineOn(server.it);
    for (let gen = 2; gen <= 12; gen++)
      await remote.rotateElsewhere(gen === 2 ? OLD : `passphrase ${gen - 1}`, `passphrase ${gen}`);
    server.it.log.length = 0;
    const { exitCode, stdout } = await remote.run(["audit", "prod", "--tail=3", "--json"], {
      env: { VSYNC_PASSPHRASE: "passphrase 12" },
    });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).rows).toHaveLength(3);
    const requests = server.it.log.map(({ method, key, query }) =>
      key === "" ? `${method} ?${query}` : `${method} ${key}`,
    );
    expect(requests).toEqual([
      "GET api/prod/manifest",
      expect.stringContaining("start-after=api%2Fprod%2Faudit%2F000000000011"),
      "GET api/prod/audit/000000000012",
      "GET api/prod/audit/000000000011",
      "GET api/prod/audit/000000000010",
    ]);
  });
});

async function startedServer() {
  const it = await startStrictS3();
  return { it, [Symbol.asyncDispose]: () => it.close() };
}

describe("audit verify", () => {
  test("a chain that holds", async () => {
    await threeGenerations();
    const stderr = "✓ Audit chain of prod verified: 3 rows, gen=3\n";
    expect(await audit("verify", "prod")).toEqual({ stdout: "", stderr, exitCode: 0 });
    const json = await audit("verify", "--env=prod", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ env: "prod", gen: 3, verified: 3, outstanding: null });
  });

  test("an outstanding row is no fault, and is named", async () => {
    await threeGenerations();
    await machine.store.delete("audit/000000000003");
    expect(await audit("verify", "prod")).toEqual({
      stdout: "",
      stderr: `✓ Audit chain of prod verified: 2 rows, gen=3
vsync: warning: the row of gen=3 is outstanding: the next commit appends it, or run vsync audit reconcile --env=prod
`,
      exitCode: 0,
    });
    expect(JSON.parse((await audit("verify", "prod", "--json")).stdout)).toMatchObject({ verified: 2, outstanding: 3 });
    expect((await audit("verify", "prod", "--repo=api")).stderr).toContain("audit reconcile --env=prod --repo=api\n");
  });

  test.each<[string, number, () => Promise<void>]>([
    ["altered", 2, () => alter("audit/000000000002", (bytes) => Buffer.from(bytes.toString().replace("push", "pusx")))],
    ["missing", 2, () => machine.store.delete("audit/000000000002")],
    ["put in the place of another", 1, () => alter("audit/000000000001", () => Buffer.from("planted"))],
    ["altered, the newest", 3, () => alter("audit/000000000003", (bytes) => bytes.subarray(0, -1))],
  ])("a row %s: 6, naming it", async (_name, row, harm) => {
    await threeGenerations();
    await harm();
    for (const args of [
      ["verify", "prod"],
      ["verify", "prod", "--json"],
      ["prod", "--json"],
    ]) {
      const { stdout, stderr, exitCode } = await audit(...args);
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 6 });
      expect(stderr).toMatch(new RegExp(`^vsync: error: audit row ${row} .+\nvsync: hint: .+\n$`));
    }
  });

  test("a manifest that was rolled back", async () => {
    const before = await readFile(`${machine.sandbox.folder}/${objectPath("manifest")}`);
    const config = await readFile(`${machine.sandbox.configFolder}/api/prod.json`);
    await machine.rotateElsewhere(OLD, NEW);
    await machine.sandbox.write(objectPath("manifest"), before);
    await machine.sandbox.write("home/.config/vsync/api/prod.json", config);
    const transcript = await machine.run(["audit", "verify", "prod"]);
    expect(transcript).toMatchObject({ stdout: "", exitCode: 6 });
    expect(transcript.stderr).toContain("audit row 2 is newer than the manifest: manifest rolled back");
  });
});

describe("audit reconcile", () => {
  test("appends the outstanding row, and is idempotent", async () => {
    await threeGenerations();
    const row = await readFile(`${machine.sandbox.folder}/${objectPath("audit/000000000003")}`);
    await machine.store.delete("audit/000000000003");
    const appended = "✓ Audit row of gen=3 appended\n";
    expect(await audit("reconcile", "--env=prod")).toEqual({ stdout: "", stderr: appended, exitCode: 0 });
    expect(await readFile(`${machine.sandbox.folder}/${objectPath("audit/000000000003")}`)).toEqual(row);
    const nothing = "✓ Audit row of gen=3 is there: nothing to do\n";
    expect(await audit("reconcile", "prod")).toEqual({ stdout: "", stderr: nothing, exitCode: 0 });
    const json = await audit("reconcile", "prod", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ env: "prod", gen: 3, appended: false });
  });

  test("takes the passphrase that writes", async () => {
    await machine.rotateElsewhere(OLD, NEW, 3_600_000);
    const { stderr, exitCode } = await machine.run(["audit", "reconcile", "prod"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^vsync: error: this passphrase can only read until /);
  });

  test("does not write over another row", async () => {
    await alter("audit/000000000001", () => Buffer.from("planted"));
    expect(await machine.run(["audit", "reconcile", "prod"])).toMatchObject({ stdout: "", exitCode: 6 });
  });

  test("no config: 4", async () => {
    expect(await machine.run(["audit", "reconcile", "--env=staging"])).toMatchObject({ stdout: "", exitCode: 4 });
  });
});
