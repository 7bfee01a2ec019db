import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
});
afterAll(() => home[Symbol.asyncDispose]());

const set = (words: readonly string[], stdin: string | Uint8Array) =>
  home.run(["set", ...words, "--from-file=-"], { stdin });
const get = async (name: string) => (await home.must("get", "prod", name, "--raw")).stdout;
const failed = (error: string, hint: string, exitCode = 1) => ({
  stdout: "",
  stderr: `vsync: error: ${error}\nvsync: hint: ${hint}\n`,
  exitCode,
});
const wrote = (stderr: string) => ({ stdout: "", stderr, exitCode: 0 });

describe("vsync set", () => {
  test("makes the first generation, then adds, changes, and writes nothing where nothing changes", async () => {
    expect(await set(["prod", "FIRST"], "one")).toEqual(wrote("  + FIRST\n✓ Updated prod (gen=1): 1 added\n"));
    expect(await set(["prod", "SECOND"], "2")).toEqual(wrote("  + SECOND\n✓ Updated prod (gen=2): 1 added\n"));
    expect(await set(["--env=prod", "FIRST"], "1")).toEqual(wrote("  ~ FIRST\n✓ Updated prod (gen=3): 1 changed\n"));
    expect(await set(["prod", "FIRST"], "1")).toEqual(wrote("✓ Nothing to set: prod already holds exactly this\n"));
    expect((await home.must("pull", "prod", "--stdout")).stdout).toBe("SECOND=2\nFIRST=1\n");
    expect((await home.must("status", "prod", "--json")).stdout).toContain('"seenGen": 3');
  });

  test("a named pipe is refused, which nothing could interrupt waiting for", async () => {
    spawnSync("mkfifo", [join(home.sandbox.work, "pipe")]);
    const refused = failed("the file that --from-file names is a named pipe", "pipe it in with --from-file=-");
    expect(await home.run(["set", "prod", "KEY", "--from-file=pipe"])).toEqual(refused);
  });

  test("a device without end is read as far as a vault goes", async () => {
    const ran = await home.run(["set", "prod", "KEY", "--from-file=/dev/zero"]);
    expect(ran).toMatchObject({ stdout: "", exitCode: 1 });
    expect(ran.stderr).toContain("the file that --from-file names has more than ");
    expect((await home.run(["push", "prod", "--from=/dev/zero"])).stderr).toContain("/dev/zero has more than ");
  });

  test.each([
    ["one line end goes", [], "value\n", "value"],
    ["one of Windows goes", [], "value\r\n", "value"],
    ["no more than one", [], "a\nb \n\n", "a\nb \n"],
    ["none with --raw", ["--raw"], "value\n", "value\n"],
    ["an empty value where it is meant", ["--allow-empty"], "", ""],
    ["dollar, quotes and 🔑", [], "$A'\"`\\n🔑", "$A'\"`\\n🔑"],
  ])("takes what --from-file names: %s", async (_what, flags, stdin, value) => {
    expect((await set(["prod", "VALUE", ...flags], stdin)).exitCode).toBe(0);
    expect(await get("VALUE")).toBe(value);
  });

  test("takes a file's content as the value, and bytes as a file with its mode", async () => {
    await home.sandbox.write("work/value.txt", "from a file\n");
    await home.must("set", "prod", "FROM_FILE", "--from-file=value.txt");
    expect(await get("FROM_FILE")).toBe("from a file");
    await home.sandbox.write("work/ca.pem", Uint8Array.of(0, 255, 10), 0o640);
    const ran = await home.must("set", "prod", "--file=certs/ca.pem=ca.pem", "--note=new authority");
    expect(ran.stderr).toMatch(/^ {2}\+ certs\/ca\.pem\n✓ Updated prod \(gen=\d+\): 1 added\n$/);
    const { stdout } = await home.must("get", "prod", "certs/ca.pem", "--json");
    expect(JSON.parse(stdout)).toEqual({ name: "certs/ca.pem", kind: "file", mode: "0640", base64: "AP8K" });
  });

  test("asks on a terminal, without showing what is typed", async () => {
    const session = await home.sandbox.terminal(["set", "prod", "TYPED"]);
    await session.shows("Passphrase:");
    session.answer(PASSPHRASE);
    await session.shows("Value of TYPED:");
    session.answer("planted value ");
    const { screen, stdout, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 0, isRestored: true });
    expect(screen).toContain("  + TYPED");
    expect(screen).not.toContain("planted");
    expect(await get("TYPED")).toBe("planted value ");
  });
});

describe("vsync set refuses, and writes nothing", () => {
  const names = "use letters, digits and underscores, no digit first; a file is set with --file=<name>=<path>";

  test.each([
    [["prod", "my-key"], "my-key is a name that no variable can have", names],
    [["prod", "1A"], "1A is a name that no variable can have", names],
    [["prod", "planted secret!"], "this is a name that no variable can have", names],
    [
      ["prod", "KEY=planted"],
      "the value of KEY is on the command line, where other users can see it",
      "run it with KEY alone, which asks for the value; choose a new one, for shells remember what was typed",
    ],
    [["prod", "KEY", "planted"], "1 argument too many", "usage: vsync set ENV KEY [flags]"],
    [["prod"], "missing KEY", "usage: vsync set ENV KEY [flags]"],
    [["prod", "KEY", "--env=dev"], "--env and the argument name two environments", "give one of them"],
    [["prod", "KEY", "--raw"], "--raw needs --from-file", "see vsync set --help"],
    [
      ["prod", "KEY"],
      "missing the value of KEY",
      "give it with --from-file=<file> (- is stdin), or run this on a terminal",
    ],
    [
      ["prod", "KEY", "--from-file=planted"],
      "the file that --from-file names is not there",
      "name a file, not the value: - is stdin",
    ],
    [["prod", "--file=planted"], "--file must be <name>=<path>", "as in --file certs/ca.pem=./ca.pem"],
  ])("%j", async (words, error, hint) => {
    const before = await home.sandbox.snapshot();
    expect(await home.run(["set", ...words])).toEqual(failed(error, hint));
    expect(await home.sandbox.snapshot()).toEqual(before);
  });

  test.each([
    ["nothing", "", "is empty", "if that is meant, say so with --allow-empty"],
    ["a line end alone", "\n", "is empty", "if that is meant, say so with --allow-empty"],
    ["no text", Uint8Array.of(0xff), "is not UTF-8 text", "hold other bytes as a file: --file=<name>=<path>"],
    ["a NUL", "planted\0", "has a NUL character", "hold other bytes as a file: --file=<name>=<path>"],
  ])("a value that is %s", async (_what, stdin, fault, hint) => {
    const before = await home.sandbox.snapshot();
    expect(await set(["prod", "KEY"], stdin)).toEqual(failed(`the value of KEY ${fault}`, hint));
    expect(await home.sandbox.snapshot()).toEqual(before);
  });

  test("an env that this machine does not know: 4", async () => {
    const ran = await set(["dev", "KEY"], "planted");
    expect(ran).toMatchObject({ stdout: "", exitCode: 4 });
    expect(ran.stderr).toContain("vsync: hint: run vsync init --env=dev\n");
  });

  test("a wrong passphrase: 1", async () => {
    const before = await home.sandbox.snapshot();
    const env = { VSYNC_PASSPHRASE: "not the passphrase" };
    const ran = await home.run(["set", "prod", "KEY", "--from-file=-"], { env, stdin: "planted" });
    expect(ran).toMatchObject({ stdout: "", exitCode: 1 });
    expect(ran.stderr).toMatch(/^vsync: error: the passphrase opens no slot of this vault\n/);
    expect(await home.sandbox.snapshot()).toEqual(before);
  });
});
