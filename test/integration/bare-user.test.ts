/** @module-tag process */
import { spawnSync } from "node:child_process";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectTable } from "../support/page-table.ts";
import { programUnderTest } from "../support/program/sandbox.ts";
import { cheapen } from "../support/program/vault-home.ts";

/*
 * A container's user: passwd(5) does not know it, nothing is in its environment but what it needs, and in the second half
 * everything is mounted read-only.
 */

const UID = "12345";
const AS_USER = [
  "setpriv",
  `--reuid=${UID}`,
  `--regid=${UID}`,
  "--clear-groups",
  "env",
  "-i",
  `PATH=${process.env["PATH"]}`,
];
const READ_ONLY = [
  "unshare",
  "-m",
  "sh",
  "-c",
  'mount --rbind / /mnt && mount -o remount,ro,bind /mnt && mount -t tmpfs -o ro none /mnt/dev/shm && exec chroot /mnt sh -c \'cd "$0" && exec "$@"\' "$PWD" "$@"',
  "sh",
];
const isTried = process.platform === "linux" && process.getuid?.() === 0 && canStart();

function started([command = "", ...rest]: readonly string[], cwd = "/") {
  return spawnSync(command, rest, { cwd, encoding: "utf8" });
}

function canStart(): boolean {
  return (
    started([...AS_USER, ...programUnderTest(), "--version"]).status === 0 &&
    started(["unshare", "-m", "true"]).status === 0
  );
}

let folder = "";
let token = "";
/** The rows of docs/s3.md. */
const seen = new Map<string, string>();

interface Ending {
  readonly code: number | null;
  readonly out: string;
}

function run(line: string, env: Readonly<Record<string, string>>, wrapper: readonly string[] = []): Ending {
  const variables = Object.entries({ VSYNC_PASSPHRASE: "correct horse battery staple", ...env });
  const given = variables.map(([name, value]) => `${name}=${value}`);
  const words = [...wrapper, ...AS_USER, ...given, ...programUnderTest(), ...line.split(" ")];
  const { status, stdout, stderr } = started(words, folder);
  return { code: status, out: stdout + stderr };
}

function note(where: string, line: string, { code, out }: Ending): void {
  const [, words = ""] = /error: (.*)/.exec(out.replaceAll(folder, "<folder>").replace(/v=\w+/, "v=…")) ?? [];
  seen.set(`${where}: \`vsync ${line}\``, code === 0 ? "works" : `refused: \`${words}\``);
}

const config = (): Record<string, string> => ({ XDG_CONFIG_HOME: join(folder, "config"), VSYNC_REPO: "api" });

describe.skipIf(!isTried)("a user without a name, a home or an environment", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vsync-bare-"));
    await chmod(folder, 0o755);
    await writeFile(join(folder, ".env.dev"), "A=one\n");
    await chown(folder, Number(UID), Number(UID));
    await chown(join(folder, ".env.dev"), Number(UID), Number(UID));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("sets up a vault, writes and reads it", async () => {
    expect(run(`init --env=dev --endpoint=file://${folder}/store`, config()).code).toBe(0);
    await cheapen(join(folder, "config/vsync/api/dev.json"));
    expect(run("push dev", config())).toMatchObject({ code: 0, out: expect.stringContaining("XDG_STATE_HOME") });
    expect(run("get dev A", config())).toEqual({ code: 0, out: "one\n" });
    expect(run("history dev", config()).out).toMatch(/uid 12345@/);
    const where = "a uid without a name or a home, `env -i`, `XDG_CONFIG_HOME` alone";
    for (const line of ["init --env=dev", "push dev", "get dev A"]) seen.set(`${where}: \`vsync ${line}\``, "works");
    token = run("runtime-token dev", config()).out.trim();
  });

  test("is told what is missing, where it has no place for a config", () => {
    expect(run("status", {})).toEqual({
      code: 1,
      out: expect.stringMatching(/no repository\nvsync: hint: name the repository/),
    });
    expect(run("init --env=dev --local", { VSYNC_REPO: "api" })).toMatchObject({
      code: expect.toBeOneOf([2, 4]),
      out: expect.stringMatching(/permission denied|HOME or XDG_CONFIG_HOME/),
    });
  });

  test("keeps usage in a folder of its own", () => {
    const spool = new URL("../../src/runtime/usage/usage-spool.ts", import.meta.url).href;
    const code = `const { UsageSpool } = await import("${spool}"); new UsageSpool({ token: "t", key: new Uint8Array(32) })`;
    expect(started([...AS_USER, process.execPath, "--input-type=module", "-e", code])).toMatchObject({
      status: 0,
      stderr: "",
    });
  });

  test.each([
    ["get A", 0, "one"],
    ["run -- env", 0, "A=one"],
    ["status", 0, "opened by"],
    ["doctor", 0, "opens generation 1"],
    ["inspect", 0, "endpoint"],
  ])("with everything read-only and a token, %s works", (line, code, out) => {
    const ended = run(line, { VSYNC_CONFIG: token }, READ_ONLY);
    expect(ended).toEqual({ code, out: expect.stringContaining(out) });
    note("everything read-only, with a token", line, ended);
  });

  test.each([
    ["get dev A", 0, "one"],
    ["doctor dev", 0, "opens generation 1"],
    ["pull dev", 1, "cannot write .env.dev: EROFS"],
    ["set dev B --generate", 2, "the file system is read-only (EROFS)"],
    ["rotate-passphrase dev --yes --generate", 2, "the file system is read-only (EROFS)"],
    ["init --env=dev", 1, "this user may only read the store's folder"],
    ["edit dev --yes", 1, "for the editor (EROFS)"],
  ])("with everything read-only and a config, %s works or says so", (line, code, out) => {
    const editor = { EDITOR: "true", TMPDIR: folder };
    const ended = run(line, { ...config(), ...editor }, READ_ONLY);
    expect(ended).toEqual({ code, out: expect.stringContaining(out) });
    note("everything read-only, with a config", line, ended);
  });

  test("docs/s3.md has these rows", () => expectTable("machine matrix", ["machine", "what happens"], seen));
});
