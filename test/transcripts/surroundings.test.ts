import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeEach(async () => {
  home = await openVaultHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const ENV = { VSYNC_PASSPHRASE: "correct horse battery staple" };

test.each([
  ["empty", "", "HOME is empty"],
  ["relative", "somewhere", "HOME is not an absolute path"],
])("a HOME that is %s is named, and what to set", async (_, HOME, message) => {
  const before = await home.sandbox.snapshot();
  const env = { ...ENV, HOME, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined };
  for (const args of [
    ["status", "prod"],
    ["init", "--env=prod"],
  ]) {
    expect(await home.sandbox.run(args, { env })).toEqual({
      stdout: "",
      stderr:
        `vsync: error: ${message}\n` +
        "vsync: hint: set HOME to your home folder, or XDG_CONFIG_HOME to an absolute path\n",
      exitCode: 1,
    });
  }
  expect(await home.sandbox.snapshot()).toEqual(before);
});

test("folders that cannot be: a file or a circle of links is in the way, and what to set is said", async () => {
  const { sandbox } = home;
  await sandbox.write("file", "");
  await symlink("loop", join(sandbox.folder, "loop"));
  for (const [name, why] of [
    ["file", "a part of its path is not a folder (ENOTDIR)"],
    ["loop", "its path is a circle of symbolic links (ELOOP)"],
  ]) {
    const env = { ...ENV, HOME: join(sandbox.folder, name as string), XDG_CONFIG_HOME: undefined };
    const transcript = await sandbox.run(["init", "--env=other", "--local"], { env });
    expect(sandbox.tidy(transcript)).toEqual({
      stdout: "",
      stderr:
        `vsync: error: <top>/${name}/.config/vsync/api/other.json cannot be used: ${why}\n` +
        "vsync: hint: check HOME and XDG_CONFIG_HOME\n",
      exitCode: 4,
    });
    const data = { ...ENV, XDG_DATA_HOME: join(sandbox.folder, name as string) };
    const { stderr, exitCode } = sandbox.tidy(await sandbox.run(["init", "--env=other", "--local"], { env: data }));
    expect(stderr).toMatch(
      new RegExp(
        `^vsync: error: cannot create <top>/${name}/vsync/vaults: .* \\((ENOTDIR|ELOOP)\\)\\n` +
          "vsync: hint: keep the store in another folder: --endpoint=file:///…, or XDG_DATA_HOME\\n$",
      ),
    );
    expect(exitCode).toBe(3);
  }
});

test.runIf(process.platform === "linux")("a config folder where none can be made is refused at once", async () => {
  const env = { ...ENV, XDG_CONFIG_HOME: "/proc/vsync/config" };
  const { stderr, exitCode } = await home.sandbox.run(["init", "--env=prod", "--local"], { env });
  expect(stderr).toContain("vsync: error: cannot write /proc/vsync/config/vsync/api/prod.json: ENOENT\n");
  expect(exitCode).toBe(1);
});

test("a vault that was emptied is not pushed anew by advice", async () => {
  await home.push({ A: "1" });
  await rm(join(home.vaultFolder, "manifest"));
  const { stderr, stdout } = await home.sandbox.run(["runtime-token", "--env=prod"]);
  expect(stdout).toMatch(/^vsync-cfg-v1:/);
  expect(stderr).toContain(
    "vsync: warning: there is no api/prod/manifest in vaults, and this machine has seen generation 1: check bucket",
  );
  const got = await home.sandbox.run(["get", "prod", "A"], { env: ENV });
  expect(got.stderr).toContain("any more: generation 1 was seen\nvsync: hint: check the bucket and prefix;");
});
