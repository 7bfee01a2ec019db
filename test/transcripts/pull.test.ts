import { chmod, lstat, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

const DOTENV = "URL=postgres://db\nTEXT='two words'\n";
const KEEP = "keep what is here with vsync set prod or vsync push prod, or overwrite it with --force";
const ELSEWHERE = "move it away, or name another place with --to=<file> or --files-dir=<folder>";

let home: VaultHome;
beforeEach(async () => {
  home = await openVaultHome();
  await home.sandbox.write("pushed/.env", DOTENV);
  await home.sandbox.write("pushed/ca.pem", Uint8Array.of(0, 255, 10), 0o644);
  await home.must("push", "prod", "--from=../pushed/.env", "--file=certs/ca.pem=../pushed/ca.pem");
});
afterEach(() => home[Symbol.asyncDispose]());

const at = (path: string): string => join(home.sandbox.work, path);
const read = (path: string): Promise<string> => readFile(at(path), "utf8");
const modeOf = async (path: string): Promise<string> => ((await lstat(at(path))).mode & 0o777).toString(8);
const wrote = (stderr: string) => ({ stdout: "", stderr, exitCode: 0 });

async function expectRefused(words: readonly string[], error: string, hint: string, exitCode = 1): Promise<void> {
  const before = await home.sandbox.snapshot();
  const stderr = `vsync: error: ${error}\nvsync: hint: ${hint}\n`;
  expect(await home.run(["pull", "prod", ...words])).toEqual({ stdout: "", stderr, exitCode });
  expect(await home.sandbox.snapshot()).toEqual(before);
}

describe("vsync pull", () => {
  const first = wrote("  + .env.prod\n  + certs/ca.pem\n✓ Pulled prod (gen=1): 2 of 2 files written\n");
  const nothing = wrote("✓ Nothing to pull: the files here match prod (gen=1)\n");

  test("writes the dotenv file and the files, for this user alone; what a push makes of them is nothing new", async () => {
    expect(await home.run(["pull", "prod"])).toEqual(first);
    expect(await read(".env.prod")).toBe(DOTENV);
    expect([...(await readFile(at("certs/ca.pem")))]).toEqual([0, 255, 10]);
    expect(await Promise.all([".env.prod", "certs/ca.pem", "certs"].map(modeOf))).toEqual(["600", "600", "700"]);
    await chmod(at("certs/ca.pem"), 0o644);
    const pushed = await home.must("push", "prod", "--file=certs/ca.pem=certs/ca.pem");
    expect(pushed.stderr).toBe("✓ Nothing to push: prod already holds exactly this (gen=1)\n");
  });

  test("leaves a file that says the same as it is, but not open to others", async () => {
    await home.must("pull", "prod");
    const commented = `# the database\nexport URL="postgres://db"\n\n${DOTENV.split("\n")[1]}\n`;
    await home.sandbox.write("work/.env.prod", commented, 0o644);
    expect(await home.run(["pull", "prod"])).toEqual(nothing);
    expect(await read(".env.prod")).toBe(commented);
    expect(await modeOf(".env.prod")).toBe("600");
    const before = await home.sandbox.snapshot();
    expect(await home.run(["pull", "prod", "--force"])).toEqual(nothing);
    expect(await home.sandbox.snapshot()).toEqual(before);
  });

  test("does not overwrite local changes, and names them; with --force it does", async () => {
    await home.must("pull", "prod");
    await writeFile(at(".env.prod"), "URL=planted\nOWN=planted\n");
    await expectRefused([], ".env.prod (OWN, TEXT, URL) differs from what prod holds; nothing was written", KEEP, 5);
    await writeFile(at("certs/ca.pem"), "planted");
    const both = ".env.prod (OWN, TEXT, URL), certs/ca.pem differ from what prod holds; nothing was written";
    await expectRefused([], both, KEEP, 5);
    await writeFile(at(".env.prod"), "this is planted");
    await expectRefused([], ".env.prod, certs/ca.pem differ from what prod holds; nothing was written", KEEP, 5);
    const overwritten = "  ~ .env.prod\n  ~ certs/ca.pem\n✓ Pulled prod (gen=1): 2 of 2 files written\n";
    expect(await home.run(["pull", "prod", "--force"])).toEqual(wrote(overwritten));
    expect(await home.run(["pull", "prod"])).toEqual(nothing);
  });

  test("a file that differs keeps one that is missing from being written", async () => {
    await writeFile(at(".env.prod"), "URL=other\nTEXT='two words'\n");
    await expectRefused([], ".env.prod (URL) differs from what prod holds; nothing was written", KEEP, 5);
  });

  test("to other places", async () => {
    const ran = await home.must("pull", "prod", "--to=conf/deep/app.env", "--files-dir=conf/files");
    expect(ran.stderr).toContain("  + conf/deep/app.env\n  + conf/files/certs/ca.pem\n");
    expect(await Promise.all(["conf", "conf/deep", "conf/files/certs"].map(modeOf))).toEqual(["700", "700", "700"]);
    expect(await read("conf/deep/app.env")).toBe(DOTENV);
  });

  test("--stdout prints the dotenv file and writes nothing", async () => {
    const before = await home.sandbox.snapshot();
    const stderr = "vsync: warning: 1 file is not included: vsync get --raw prints one\n";
    expect(await home.run(["pull", "prod", "--stdout"])).toEqual({ stdout: DOTENV, stderr, exitCode: 0 });
    expect(await home.sandbox.snapshot()).toEqual(before);
  });

  test("from VSYNC_CONFIG and VSYNC_PASSPHRASE alone", async () => {
    const env = { VSYNC_CONFIG: await home.token(), HOME: "/nonexistent", XDG_CONFIG_HOME: "/nonexistent" };
    expect(await home.run(["pull"], { env })).toEqual(first);
  });
});

describe("vsync pull follows no link, and puts nothing in the place of what is no file", () => {
  const linked = "is a symbolic link, which is not followed";

  test("a link where the dotenv file goes", async () => {
    await home.sandbox.write("home/victim", "x");
    await symlink(join(home.sandbox.home, "victim"), at(".env.prod"));
    await expectRefused(["--force"], `.env.prod ${linked}`, ELSEWHERE);
    await symlink("nowhere", at("dangling"));
    await expectRefused(["--to=dangling"], `dangling ${linked}`, ELSEWHERE);
  });

  test("a link where a file goes", async () => {
    await mkdir(at("certs"));
    await symlink(join(home.sandbox.home, "nowhere"), at("certs/ca.pem"));
    await expectRefused(["--force"], `certs/ca.pem ${linked}`, ELSEWHERE);
  });

  test("a link, or a file, for the folder of a file", async () => {
    const hint = "move it away, or name another folder with --files-dir=<folder>";
    await symlink(home.sandbox.home, at("certs"));
    await expectRefused(["--force"], `certs ${linked}`, hint);
    await home.sandbox.write("work/sub/certs", "x");
    await expectRefused(["--files-dir=sub"], "sub/certs is not a folder", hint);
  });

  test("a folder, or a part of the path that is not a folder", async () => {
    await mkdir(at(".env.prod"));
    await expectRefused(["--force"], ".env.prod is not a regular file", ELSEWHERE);
    const hint =
      "check the folder's owner, mode and free space, or name another with --to=<file> and --files-dir=<folder>";
    await expectRefused(["--to=package.json/x"], "cannot read the files here: ENOTDIR", hint);
  });
});

describe("vsync pull refuses what cannot be written as it is, before it writes anything", () => {
  const pushFile = (name: string) => home.must("set", "prod", `--file=${name}=../pushed/ca.pem`);

  test("a value that no quoting keeps", async () => {
    await home.run(["set", "prod", "ODD", "--from-file=-"], { stdin: "planted'\"`\n\n" });
    const error = '"ODD" cannot be written into a dotenv file: no quoting keeps it as it is';
    const hint = "get it with vsync get prod ODD --raw or --json; nothing was written";
    await expectRefused([], error, hint);
    await expectRefused(["--stdout"], error, hint);
    expect((await home.must("get", "prod", "ODD", "--raw")).stdout).toBe("planted'\"`\n");
  });

  test("two items for one path, or one for the folder of the other", async () => {
    const hint = "give files a folder of their own with --files-dir=<folder>, or get one with `vsync get --raw`";
    await pushFile(".env.prod");
    await expectRefused([], "two of the vault's items would be written to .env.prod", hint);
    await home.must("pull", "prod", "--files-dir=files");
    await home.must("unset", "prod", ".env.prod");
    await pushFile("certs");
    await expectRefused([], "certs would be a file and the folder of certs/ca.pem", hint);
  });

  test.each([".git/config", "a/.GIT/hooks/pre-commit"])("%s", async (name) => {
    await pushFile(name);
    const error = `${JSON.stringify(name)} would be written into git's own folder`;
    await expectRefused([], error, "get its bytes with `vsync get --raw`");
  });

  test("a vault that does not open", async () => {
    const before = await home.sandbox.snapshot();
    const ran = await home.run(["pull", "prod"], { env: { VSYNC_PASSPHRASE: "not the passphrase" } });
    expect(ran).toMatchObject({ stdout: "", exitCode: 1 });
    expect(await home.run(["pull", "dev"])).toMatchObject({ stdout: "", exitCode: 4 });
    expect(await home.run(["pull", "prod", "--stdout", "--to=x"])).toMatchObject({ stdout: "", exitCode: 1 });
    expect(await home.sandbox.snapshot()).toEqual(before);
  });
});
