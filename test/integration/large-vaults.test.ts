import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Vsync } from "../../src/runtime/index.ts";
import { programUnderTest } from "../support/program/sandbox.ts";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

const COUNT = 10_000;
const FILE_BYTES = 60 * 1024 * 1024;

const numbered = (size: number) =>
  Array.from({ length: COUNT }, (_, at) => `KEY_${at}=${`${at}`.padStart(size, "v")}`).join("\n");
const library = async (home: VaultHome) => Vsync.open({ config: await home.token(), passphrase: PASSPHRASE });

describe("10 000 secrets", () => {
  let home: VaultHome;
  beforeAll(async () => {
    home = await openVaultHome();
    const ran = await home.run(["push", "prod", "--from=-"], { stdin: numbered(30) });
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("10000 added") });
  });
  afterAll(() => home[Symbol.asyncDispose]());

  test("get, list, and the library", async () => {
    expect((await home.must("get", "prod", "KEY_9999")).stdout).toBe(`${"9999".padStart(30, "v")}\n`);
    expect((await home.must("list", "prod")).stdout.trimEnd().split("\n")).toHaveLength(COUNT);
    await using vault = await library(home);
    expect(vault.require("KEY_4711")).toBe("4711".padStart(30, "v"));
    expect(vault.has("KEY_10000")).toBe(false);
  });

  test("run hands all of them over, and masks them", async () => {
    const count = "env | grep -c ^KEY_; echo $KEY_9999";
    expect(await home.run(["run", "prod", "--", "sh", "-c", count])).toEqual({
      stdout: `${COUNT}\n${"9999".padStart(30, "v")}\n`,
      stderr: "",
      exitCode: 0,
    });
    const masked = await home.run(["run", "prod", "--redact", "--", "sh", "-c", count]);
    expect(masked).toEqual({ stdout: `${COUNT}\n[KEY_9999]\n`, stderr: "", exitCode: 0 });
  });

  test("export and import carry all of them", async () => {
    const { stdout } = await home.must("export", "prod", "--format=json");
    expect(Object.keys(JSON.parse(stdout))).toHaveLength(COUNT);
    const changed = stdout.replace(`${"17".padStart(30, "v")}"`, 'other"');
    const ran = await home.run(["import", "prod", "--from=-"], { stdin: changed });
    expect(ran).toEqual({ stdout: "", stderr: "  ~ KEY_17\n✓ Imported into prod (gen=2): 1 changed\n", exitCode: 0 });
  });
});

describe.runIf(process.platform === "linux")("more than an environment takes", () => {
  let home: VaultHome;
  beforeAll(async () => {
    home = await openVaultHome();
  });
  afterAll(() => home[Symbol.asyncDispose]());
  const refused = (fault: string, hint: string) => ({
    stdout: "",
    stderr: `vsync: error: cannot run echo: ${fault}\nvsync: hint: ${hint}\n`,
    exitCode: 126,
  });
  const run = (...flags: string[]) => home.run(["run", "prod", ...flags, "--", "echo", "started"]);

  test("one variable: it is named, with its size and the limit", async () => {
    await home.push({ BIG: "x".repeat(200_000), SMALL: "1" });
    expect(await run()).toEqual(
      refused(
        "the variable BIG has 200004 bytes, and Linux takes 131071",
        "leave it out with --except, and let the program read it with `vsync get` or the library",
      ),
    );
    expect(await run("--except=BIG")).toEqual({ stdout: "started\n", stderr: "", exitCode: 0 });
    const exported = await home.must("export", "prod", "--format=shell");
    expect(exported.stderr).toMatch(/^vsync: warning: BIG is longer than 131072 bytes: /);
  });

  test("all together: how large it would be, and what to do", async () => {
    // More than the 6 MiB that Linux accepts with any stack limit.
    await home.run(["push", "prod", "--from=-", "--yes"], { stdin: numbered(700) });
    const ran = await run();
    expect(ran).toMatchObject({ stdout: "", exitCode: 126 });
    const fault =
      /its arguments and (\d+) variables have (\d+) bytes, more than this system allows; the largest is KEY_/;
    const [, variables, bytes] = fault.exec(ran.stderr) ?? [];
    expect(Number(variables)).toBeGreaterThanOrEqual(COUNT);
    expect(Number(bytes)).toBeGreaterThan(COUNT * 700);
    expect(ran.stderr).toContain(
      "pass only what it needs with --only=<key>,<key>; it can read large ones with `vsync get`",
    );
    expect(await run("--only=KEY_1,KEY_2")).toMatchObject({ stdout: "started\n", exitCode: 0 });
  });
});

describe("a file of 60 MiB", () => {
  let home: VaultHome;
  let digest: string;
  beforeAll(async () => {
    home = await openVaultHome();
    const bytes = randomBytes(FILE_BYTES);
    digest = sha256(bytes);
    await home.sandbox.write("work/big.bin", bytes);
    await home.sandbox.write("work/.env.prod", "SMALL=planted\n");
    await home.must("push", "prod", "--file=data/big.bin=big.bin");
  });
  afterAll(() => home[Symbol.asyncDispose]());

  test("get gives the same bytes", async () => {
    const [command = "", ...first] = programUnderTest();
    const child = spawn(command, [...first, "get", "prod", "data/big.bin", "--raw"], {
      cwd: home.sandbox.work,
      env: { ...home.env, HOME: home.sandbox.home },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const hash = createHash("sha256");
    for await (const chunk of child.stdout) hash.update(chunk as Buffer);
    expect(hash.digest("hex")).toBe(digest);
  });

  test("the library gives them, as bytes and at a path", async () => {
    await using vault = await library(home);
    expect(sha256(vault.bytes("data/big.bin") ?? Buffer.alloc(0))).toBe(digest);
    expect(sha256(await readFile(await vault.path("data/big.bin")))).toBe(digest);
    expect(vault.require("SMALL")).toBe("planted");
  });

  test("refuses items that do not fit beside it, and writes nothing", async () => {
    await home.sandbox.write("work/more.bin", randomBytes(5 * 1024 * 1024));
    const before = await home.sandbox.snapshot();
    const ran = await home.run(["set", "prod", "--file=more.bin=more.bin"]);
    expect(ran).toMatchObject({ stdout: "", exitCode: 1 });
    expect(ran.stderr).toMatch(/the vault would be \d+ bytes, more than the 67108864 that fit/);
    expect(await home.sandbox.snapshot()).toEqual(before);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
