import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pathKey, pullNameFault } from "../../src/cli/items/pull/pull-plan.ts";
import { type Machine, machineOnDisk } from "../support/program/machine.ts";
import { operatorOf } from "./operator.ts";

const words = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/** Look-alikes of dots: FULLWIDTH FULL STOP, ONE DOT LEADER, TWO DOT LEADER. */
const LOOK_ALIKES = ["\uff0e\uff0e", "\u2024\u2024", "\u2025"];
const CLIMBING = ["../x", "a/../x", "a/..", "..", "./x", "/etc/passwd", "//x", "a/", "", "a\\..\\x"];
const GIT = [
  ".git/config",
  "a/.GIT/hooks/x",
  ".gi\u200ct/config",
  ".git./config",
  ".git /x",
  "GIT~1/x",
  ".git::$DATA/x",
];
const WINDOWS = words(`
CON
con.txt
a/aux
NUL.
COM1
lpt9.log
CONIN$
c:x
C:/x
a:stream
a.
a./b
q"x
a|b
a?b
COM\u00b9
a\u0020
`);
const FINE = [".github/x", ".gitignore", "a/git/b", "console.txt", "comet", "nulls", "a.b", "\u00e4 b", ...LOOK_ALIKES];

describe("names that lead elsewhere", () => {
  test.each(GIT)("pull refuses %j: it would be git's own folder on some file system", (name) => {
    for (const platform of ["linux", "darwin", "win32"]) expect(pullNameFault(name, platform)).toMatch(/git/);
  });

  test.each(WINDOWS)("pull refuses %j on Windows, where it is another file, a device or a stream", (name) => {
    expect(pullNameFault(name, "win32")).not.toBeNull();
    expect(pullNameFault(name, "linux")).toBeNull();
  });

  test.each(FINE)("pull writes %j like any other name", (name) => {
    for (const platform of ["linux", "win32"]) expect(pullNameFault(name, platform)).toBeNull();
  });

  test.each([
    ["certs/CA.pem", "certs/ca.pem"],
    ["caf\u00e9", "cafe\u0301"],
  ])("%s and %s count as one file if the system treats them as one", (a, b) => {
    for (const platform of ["darwin", "win32"]) expect(pathKey(a, platform)).toBe(pathKey(b, platform));
    expect(pathKey(a, "linux")).not.toBe(pathKey(b, "linux"));
  });

  describe("in a vault from another client", () => {
    let machine: Machine;
    let write: Awaited<ReturnType<typeof operatorOf>>;
    beforeAll(async () => {
      machine = await machineOnDisk();
      const config = join(machine.sandbox.configFolder, "api/prod.json");
      const unseen = await readFile(config);
      const operate = await operatorOf(machine);
      write = async (items) => {
        await operate(items);
        // Each is a different history of the same generation, so this machine must have seen this one only.
        await writeFile(config, unseen);
        await machine.run(["list", "prod"]);
      };
    });
    afterAll(() => machine[Symbol.asyncDispose]());

    const refused = [
      ...CLIMBING.map((name) => [name, 6] as const),
      ...[".git/hooks/pre-commit", ".gi\u200ct/config"].map((name) => [name, 1] as const),
    ];
    test.each(refused)("%j: pull ends with %i and writes nothing", async (name, code) => {
      await write([{ name, kind: "file", data: "climbed" }]);
      const before = await machine.sandbox.snapshot();
      const { exitCode, stdout } = await machine.run(["pull", "prod", "--force"]);
      expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
      expect(await machine.sandbox.snapshot()).toEqual(before);
    });

    test("look-alikes, Windows names and trailing dots stay below the folder, under their own names", async () => {
      const odd = ["\uff0e\uff0e\u2215x", "CON", "aux.txt", "c:x", "end.", "end ", "~", "$HOME", "-rf", "%2e%2e"];
      const names = [...LOOK_ALIKES, ...odd];
      await write(names.map((name) => ({ name, kind: "file", data: name })));
      expect(await machine.run(["pull", "prod", "--files-dir=out", "--force"])).toMatchObject({ exitCode: 0 });
      expect((await readdir(join(machine.sandbox.work, "out"))).toSorted()).toEqual(names.toSorted());
      expect((await readdir(machine.sandbox.work)).toSorted()).toEqual([".env.prod", "out"]);
    });
  });
});
