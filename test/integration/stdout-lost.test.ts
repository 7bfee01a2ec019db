import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canMount, fillBut, mount, unmount } from "../support/disks.ts";
import { programUnderTest, type Transcript } from "../support/program/sandbox.ts";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";

const PROGRAM = programUnderTest().join(" ");
const VALUE = "planted-value";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  expect(await home.push({ KEY: VALUE })).toMatchObject({ exitCode: 0 });
});
afterAll(() => home[Symbol.asyncDispose]());

/** Runs a line of sh, in which `vsync` is the program. Not as its last command: sh would become that, and be no shell any more. */
function shell(line: string): Promise<Transcript> {
  const child = spawn("/bin/sh", ["-c", `vsync() { ${PROGRAM} "$@"; }; ${line}; exit $?`], {
    cwd: home.sandbox.work,
    env: {
      ...home.env,
      HOME: home.sandbox.home,
      PATH: process.env["PATH"],
      XDG_CONFIG_HOME: `${home.sandbox.home}/.config`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (said[stream] += text));
  }
  return once(child, "close").then(([exitCode]) => ({ ...said, exitCode: exitCode as number }));
}

describe("a result that nobody gets", () => {
  test.each([
    ["stdout is closed", "vsync list prod >&-", "stdout is closed"],
    ["the shell has none, either", "exec 3>&1 >&-; vsync get prod KEY", "stdout is closed"],
    ["the disk is full", "vsync list prod >/dev/full", "ENOSPC"],
  ])("%s: a failure that says so", async (_, line, said) => {
    const { stdout, stderr, exitCode } = await shell(line);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain(`vsync: error: the output cannot be written: ${said}\n`);
    expect(stderr).not.toContain(VALUE);
  });

  test("a command without a result needs no stdout", async () => {
    expect(await shell(`echo KEY=${VALUE} | vsync push prod --from=- >&-`)).toMatchObject({ stdout: "", exitCode: 0 });
  });

  test.each([
    ["it is not wanted", "vsync list prod >/dev/null"],
    ["whoever started the shell does not want it", "exec 1<>/dev/null; vsync list prod"],
    ["its reader has seen enough", "{ vsync list prod; echo $? >&2; } | true"],
  ])("%s: no failure", async (_, line) => {
    const { stderr, exitCode } = await shell(line);
    expect({ stderr: stderr.replace(/^0\n$/, ""), exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  test("whoever started the program does not want it: no failure", async () => {
    const [command = "", ...first] = programUnderTest();
    const env = { ...home.env, HOME: home.sandbox.home, PATH: process.env["PATH"], VSYNC_REPO: "api" };
    const child = spawn(command, [...first, "list", "prod"], { env, stdio: "ignore" });
    expect(await once(child, "close")).toEqual([0, null]);
  });
});

describe("rotate-passphrase --generate", () => {
  const ROTATE = "vsync rotate-passphrase --env=prod --yes --generate";

  async function expectUntouched(): Promise<void> {
    expect(await home.run(["get", "prod", "KEY"])).toMatchObject({ stdout: `${VALUE}\n`, exitCode: 0 });
    expect((await home.run(["history", "prod", "--json"])).stdout).not.toContain("rotate");
  }

  test.each([
    ["closed", `${ROTATE} >&-`, "is closed"],
    ["/dev/null", `${ROTATE} >/dev/null`, "leads to /dev/null"],
    ["/dev/full", `${ROTATE} >/dev/full`, "cannot be written (ENOSPC)"],
    ["for reading", `${ROTATE} 1</dev/zero`, "is closed"],
  ])("stdout is %s: refused, nothing is written", async (_, line, said) => {
    const { stderr, exitCode } = await shell(line);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      `vsync: error: the new passphrase would be lost: stdout ${said}\nvsync: hint: name a file`,
    );
    await expectUntouched();
  });

  test.skipIf(!canMount())("stdout is on a full disk (needs root, to mount one): refused", async () => {
    const disk = await home.sandbox.write("disk/.keep", "").then((path) => path.slice(0, -"/.keep".length));
    mount(disk, "size=64k");
    try {
      await fillBut(disk, 0);
      const { stderr, exitCode } = await shell(`${ROTATE} >${disk}/new`);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("stdout is on a full disk\n");
    } finally {
      unmount(disk);
    }
    await expectUntouched();
  });

  test("its reader goes after the swap: rotated, and the passphrase is in a file that the message names", async () => {
    const { stderr, stdout } = await shell(`{ ${ROTATE}; echo "ends with $?" >&2; } | true`);
    expect(stdout).toBe("");
    expect(stderr).toContain("vsync: error: rotated, but stdout does not take the new passphrase (EPIPE)\n");
    expect(stderr).toContain("✓ Audit log entry written\n");
    expect(stderr).toContain("ends with 4\n");
    const folder = `${home.sandbox.configFolder}/api`;
    const [name = "", ...others] = (await readdir(folder)).filter((file) => file !== "prod.json");
    expect(others).toEqual([]);
    expect(stderr).toContain(`vsync: hint: put what ${folder}/${name} holds into your secret store`);
    expect((await stat(`${folder}/${name}`)).mode & 0o777).toBe(0o600);
    const passphrase = await readFile(`${folder}/${name}`, "utf8");
    expect(stderr).not.toContain(passphrase);
    const env = { VSYNC_PASSPHRASE: passphrase };
    expect(await home.run(["get", "prod", "KEY"], { env })).toMatchObject({ stdout: `${VALUE}\n`, exitCode: 0 });
    expect(await home.run(["audit", "verify", "prod"], { env })).toMatchObject({ exitCode: 0 });
  });
});
