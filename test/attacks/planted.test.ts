import { chmod, link, lstat, mkdir, readdir, readFile, readlink, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

/*
 * Links that somebody else has planted where vsync will write. Symbolic ones at pull's targets: test/scripts/pull.txt;
 * at --out: test/scripts/rotate-passphrase.txt; at path(): test/runtime/path.test.ts.
 */

const PRECIOUS = "precious\n";

let home: VaultHome;
let victim: string;
beforeEach(async () => {
  home = await openVaultHome();
  victim = await home.sandbox.write("victim", PRECIOUS);
  expect((await home.push({ A: "1" })).exitCode).toBe(0);
});
afterEach(() => home[Symbol.asyncDispose]());

const at = (path: string): string => join(home.sandbox.work, path);
const config = (): string => join(home.sandbox.configFolder, "api", "prod.json");
const expectUnharmed = async () => {
  expect(await readFile(victim, "utf8")).toBe(PRECIOUS);
  expect((await lstat(victim)).mode & 0o777).toBe(0o600);
};

describe("planted links do not redirect writes", () => {
  test("pull replaces a hard link and leaves its target alone", async () => {
    await link(victim, at(".env.prod"));
    expect(await home.run(["pull", "prod"])).toMatchObject({ stdout: "", exitCode: 5 });
    expect(await home.run(["pull", "prod", "--force"])).toMatchObject({ exitCode: 0 });
    expect(await readFile(at(".env.prod"), "utf8")).toMatch(/^# vsync: api prod gen 1 \S+ \S+\nA=1\n$/);
    expect((await lstat(at(".env.prod"))).nlink).toBe(1);
    await expectUnharmed();
  });

  test("pull replaces a hard link in the place of a file", async () => {
    await home.sandbox.write("work/blob", "bytes");
    await home.must("set", "prod", "--file=certs/blob=blob");
    await mkdir(at("out/certs"), { recursive: true });
    await link(victim, at("out/certs/blob"));
    expect(await home.run(["pull", "prod", "--files-dir=out", "--force"])).toMatchObject({ exitCode: 0 });
    expect(await readFile(at("out/certs/blob"), "utf8")).toBe("bytes");
    await expectUnharmed();
  });

  test("pull refuses a folder that others may write", async () => {
    await home.sandbox.write("work/blob", "bytes");
    await home.must("set", "prod", "--file=certs/blob=blob");
    await mkdir(at("open"));
    await chmod(at("open"), 0o777);
    const { exitCode, stderr } = await home.run(["pull", "prod", "--to=new.env", "--files-dir=open"]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("open can be changed by other users (mode 0777)")]);
    expect(await readdir(at("open"))).toEqual([]);
    await expect(lstat(at("new.env"))).rejects.toThrow("ENOENT");
  });

  test.each([
    ["a hard link", (from: string, to: string) => link(from, to)],
    ["a symbolic link", (from: string, to: string) => symlink(from, to)],
  ])("%s where rotate-passphrase --out writes: refused, nothing is rotated", async (_name, plant) => {
    await plant(victim, at("new"));
    const words = ["rotate-passphrase", "--env=prod", "--yes", "--generate", "--out=new"];
    expect(await home.run(words)).toMatchObject({ stdout: "", exitCode: 1 });
    await expectUnharmed();
    expect(await home.run(["get", "prod", "A"])).toMatchObject({ stdout: "1\n", exitCode: 0 });
  });

  test("a link at the config is replaced by a file, not written through", async () => {
    const kept = await home.sandbox.write("kept.json", await readFile(config()));
    const before = await readFile(kept, "utf8");
    await writeFile(config(), "");
    for (const [turn, plant] of [() => symlink(kept, config()), () => link(kept, config())].entries()) {
      await unlink(config());
      await plant();
      expect((await home.push({ A: `2 ${turn}` })).exitCode).toBe(0);
      expect(await readFile(kept, "utf8")).toBe(before);
      expect((await lstat(config())).isSymbolicLink()).toBe(false);
      expect(await readFile(config(), "utf8")).not.toBe(before);
    }
  });

  test("a link at the manifest of a directory store is not followed", async () => {
    const manifest = join(home.vaultFolder, "manifest");
    const bytes = await readFile(manifest);
    await writeFile(victim, bytes);
    await unlink(manifest);
    await symlink(victim, manifest);
    expect((await home.push({ A: "3" })).exitCode).not.toBe(0);
    expect(await readFile(victim)).toEqual(bytes);
    expect(await readlink(manifest)).toBe(victim);
  });
});
