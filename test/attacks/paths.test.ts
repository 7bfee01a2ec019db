import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeToken, encodeToken } from "../../src/blob/token.ts";
import { pullNameFault } from "../../src/cli/items/pull-plan.ts";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { InputError } from "../../src/errors.ts";
import { itemNameFault } from "../../src/vault/format/item.ts";
import { type Machine, machineOnDisk } from "../support/program/machine.ts";
import { operatorOf } from "./operator.ts";

/** Look-alikes of dots and slashes: FULLWIDTH FULL STOP, ONE DOT LEADER, DIVISION SLASH, FULLWIDTH SOLIDUS. */
const LOOK_ALIKES = ["\uff0e\uff0e", "\u2024\u2024", "\u2025"];
const CLIMBING = [
  "../x",
  "a/../x",
  "a/..",
  "..",
  ".",
  "./x",
  "a/./x",
  "/etc/passwd",
  "//x",
  "a//x",
  "a/",
  "/",
  "",
  "a\\..\\x",
  "\\x",
];

describe("names that lead elsewhere", () => {
  describe("a file's name in a vault", () => {
    test.each(CLIMBING)("%j is refused by readers and writers", (name) => {
      expect(itemNameFault(name, "file")).not.toBeNull();
    });

    test.each(["a\0b", "a\u0001", "a\u007f", "a\u0085", "a\nb"])("%j is refused for every kind", (name) => {
      for (const kind of ["file", "secret"] as const) expect(itemNameFault(name, kind)).not.toBeNull();
    });
  });

  describe("names that pull refuses", () => {
    const git = [
      ".git/config",
      "a/.GIT/hooks/x",
      ".gi\u200ct/config",
      ".git./config",
      ".git /x",
      "GIT~1/x",
      ".git::$INDEX_ALLOCATION/x",
    ];
    test.each(git)("%j would be git's own folder, on some file system", (name) => {
      for (const platform of ["linux", "darwin", "win32"]) expect(pullNameFault(name, platform)).toMatch(/git/);
    });

    const windows = [
      "CON",
      "con.txt",
      "a/aux",
      "NUL.",
      "COM1",
      "lpt9.log",
      "CONIN$",
      "c:x",
      "C:/x",
      "a:stream",
      "a.",
      "a ",
      "a./b",
      'q"x',
      "a|b",
      "a?b",
      "COM\u00b9",
    ];
    test.each(windows)("%j is another file, a device or a stream on Windows alone", (name) => {
      expect(pullNameFault(name, "win32")).not.toBeNull();
      expect(pullNameFault(name, "linux")).toBeNull();
    });

    const fine = [
      ".github/x",
      ".gitignore",
      "a/git/b",
      "console.txt",
      "comet",
      "nulls",
      "a.b",
      "\u00e4 b",
      ...LOOK_ALIKES,
    ];
    test.each(fine)("%j is a name like any other", (name) => {
      for (const platform of ["linux", "win32"]) expect(pullNameFault(name, platform)).toBeNull();
    });
  });

  describe("vsync pull of a vault from another client", () => {
    let machine: Machine;
    let write: Awaited<ReturnType<typeof operatorOf>>;
    beforeAll(async () => {
      machine = await machineOnDisk();
      write = await operatorOf(machine);
    });
    afterAll(() => machine[Symbol.asyncDispose]());

    test.each(CLIMBING)("%j: the vault is corrupt, and pull writes nothing", async (name) => {
      await write([{ name, kind: "file", data: "climbed" }]);
      const before = await machine.sandbox.snapshot();
      const { exitCode, stdout } = await machine.run(["pull", "prod", "--force"]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: "" });
      expect(await machine.sandbox.snapshot()).toEqual(before);
    });

    test("look-alikes, Windows names and trailing dots stay below the folder, under their own names", async () => {
      const names = [
        ...LOOK_ALIKES,
        "\uff0e\uff0e\u2215x",
        "CON",
        "aux.txt",
        "c:x",
        "end.",
        "end ",
        "~",
        "$HOME",
        "-rf",
        "%2e%2e",
      ];
      await write(names.map((name) => ({ name, kind: "file", data: name })));
      expect(await machine.run(["pull", "prod", "--files-dir=out", "--force"])).toMatchObject({ exitCode: 0 });
      expect((await readdir(join(machine.sandbox.work, "out"))).toSorted()).toEqual(names.toSorted());
      expect((await readdir(machine.sandbox.work)).toSorted()).toEqual([".env.prod", "out"]);
    });

    test.each([".git/hooks/pre-commit", ".GIT/config", ".gi\u200ct/config", "git~1/config"])(
      "%j: refused",
      async (name) => {
        await write([{ name, kind: "file", data: "#!/bin/sh" }]);
        const before = await machine.sandbox.snapshot();
        expect(await machine.run(["pull", "prod", "--force"])).toMatchObject({ exitCode: 1, stdout: "" });
        expect(await machine.sandbox.snapshot()).toEqual(before);
      },
    );
  });

  describe("a prefix", () => {
    const token = (prefix: string) => ({
      v: 1 as const,
      endpoint: "file:///srv",
      region: "local",
      bucket: "b",
      credentials: "ambient" as const,
      prefix,
      env: "prod",
      salt: "AAAAAAAAAAAAAAAAAAAAAA==",
      iterations: 1,
    });

    test.each(["../", "a/../b/", "/", "//", "/a/", "a//", "a//b/", "./", "a/./", "..", "a", ""])(
      "%j is in no token",
      (prefix) => {
        expect(() => encodeToken(token(prefix))).toThrow(InputError);
      },
    );

    test.each([".vsync/", "a/.VSYNC/b/", "a\0/"])("%j is refused for a directory store", (prefix) => {
      const location = { endpoint: "file:///srv", bucket: "b", prefix };
      expect(() => openDirectoryStore(location)).toThrow(InputError);
    });

    test.each(["..", ".", "", "a/b", "/", "a\0", ".vsync"])("%j is refused as a bucket", (bucket) => {
      expect(() => openDirectoryStore({ endpoint: "file:///srv", bucket, prefix: "a/" })).toThrow(InputError);
    });

    test.each([
      "file:///a/../b",
      "file:///%2e%2e/b",
      "file:///a%2fb",
      "file:///a%00",
      "file:////a",
      "file:///",
      "file://host/a",
      "file:///a?b",
      "file:///a#b",
    ])("nor %j an endpoint", (endpoint) => {
      expect(() => openDirectoryStore({ endpoint, bucket: "b", prefix: "a/" })).toThrow(InputError);
    });

    test.each(LOOK_ALIKES)("%j is a name like any other", (name) => {
      const { prefix } = decodeToken(encodeToken(token(`${name}/`)));
      expect(openDirectoryStore({ endpoint: "file:///srv", bucket: "b", prefix }).label).toBe(`/srv/b/${name}/`);
    });
  });
});
