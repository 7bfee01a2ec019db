/** @module-tag process */
import { mkdir, readdir, rm } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { canMount, fillBut, mount, remount, unmount } from "../support/disks.ts";
import { openVaultHome } from "../support/program/vault-home.ts";

/** A machine whose runtime folder is a small disk of its own. */
async function machine() {
  const home = await openVaultHome();
  const disk = `${home.sandbox.home}/run`;
  await mkdir(disk);
  mount(disk, "size=64k,mode=0700");
  onTestFinished(async () => {
    unmount(disk);
    await home[Symbol.asyncDispose]();
  });
  await home.push({ KEPT: "1" });
  const edit = (EDITOR: string, ...flags: string[]) =>
    home.run(["edit", "prod", ...flags], { env: { XDG_RUNTIME_DIR: disk, EDITOR } });
  return { home, disk, edit };
}

describe.skipIf(!canMount())("vsync edit, if the disk of the text", () => {
  test("is full, leaves no part of the text, and works once there is room", async () => {
    const { disk, edit } = await machine();
    await fillBut(disk, 0);
    const refused = await edit("true");
    expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /^vsync: error: cannot make .+\/prod\.env for the editor \(ENOSPC\)\nvsync: hint: set /,
    );
    const [own = ""] = (await readdir(disk)).filter((name) => name !== "filler");
    expect(await readdir(`${disk}/${own}`)).toEqual([]);
    await rm(`${disk}/filler`);
    expect(await edit("echo ADDED=2 >>")).toMatchObject({ exitCode: 0 });
  });

  test("becomes read-only, has committed what was written, and names the text that stays", async () => {
    const { home, disk, edit } = await machine();
    const edited = await edit(`echo ADDED=2 >>"$1"; mount -o remount,ro ${disk}; :`);
    remount(disk, "rw");
    expect(edited).toMatchObject({ exitCode: 0 });
    expect(edited.stderr).toMatch(
      /\n?vsync: warning: .+\/prod\.env could not be removed \(EROFS\): vsync edit prod --discard removes it\n/,
    );
    expect((await home.must("get", "prod", "ADDED")).stdout).toBe("2\n");
    expect(await edit("true", "--discard")).toMatchObject({ exitCode: 0 });
  });
});
