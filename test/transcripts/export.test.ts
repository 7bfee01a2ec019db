import { execFileSync } from "node:child_process";
import { mkdir, readFile, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
beforeAll(async () => {
  home = await openVaultHome();
  await home.sandbox.write("work/ca.pem", Uint8Array.of(0, 255, 10), 0o640);
  await home.sandbox.write("work/.env.prod", "URL='postgres://a:$b@c/d'\nKEY='line 1\nit is \"2\"'\n");
  await home.must("push", "prod", "--file=certs/ca.pem=ca.pem");
});
afterAll(() => home[Symbol.asyncDispose]());

const text = async (...args: string[]) => {
  const { stdout, stderr } = await home.must("export", "prod", ...args);
  expect(stderr).toBe("");
  return stdout;
};
const failed = (error: string, hint: string, exitCode = 1) => ({
  stdout: "",
  stderr: `vsync: error: ${error}\nvsync: hint: ${hint}\n`,
  exitCode,
});

test("each format on stdout, nothing on stderr", async () => {
  const secrets = ["--except=certs/ca.pem"];
  expect(await text("--format=dotenv", ...secrets)).toBe(`URL='postgres://a:$b@c/d'\nKEY='line 1\nit is "2"'\n`);
  expect(await text("--format=shell", ...secrets)).toBe(
    `export URL='postgres://a:$b@c/d'\nexport KEY='line 1\nit is "2"'\n`,
  );
  expect(await text("--format=docker", "--only=URL")).toBe("URL=postgres://a:$b@c/d\n");
  expect(JSON.parse(await text("--format=json"))).toEqual({
    URL: "postgres://a:$b@c/d",
    KEY: 'line 1\nit is "2"',
    "certs/ca.pem": { base64: "AP8K", mode: "0640" },
  });
  expect(parse(await text("--format=k8s", "--name=api", "--only=URL"))).toMatchObject({
    kind: "Secret",
    metadata: { name: "api" },
    data: { URL: Buffer.from("postgres://a:$b@c/d").toString("base64") },
  });
});

test("eval in a shell", async () => {
  const script = await text("--format=shell", "--only=URL,KEY");
  expect(execFileSync("/bin/sh", ["-c", 'eval "$1"; printf %s "$URL|$KEY"', "sh", script]).toString()).toBe(
    'postgres://a:$b@c/d|line 1\nit is "2"',
  );
});

test("from VSYNC_CONFIG alone", async () => {
  const env = { VSYNC_CONFIG: await home.token(), XDG_CONFIG_HOME: "/nonexistent" };
  expect(await home.run(["export", "--format=docker", "--only=URL"], { env })).toMatchObject({
    stdout: "URL=postgres://a:$b@c/d\n",
  });
});

test("--out writes a file that only its owner reads, over one that is there", async () => {
  await home.sandbox.write("work/out.env", "old", 0o644);
  expect(await home.run(["export", "prod", "--format=docker", "--only=URL", "--out=out.env"])).toEqual({
    stdout: "",
    stderr: "✓ Wrote 1 of prod's names (gen=1) to out.env, readable by you alone\n",
    exitCode: 0,
  });
  const path = join(home.sandbox.work, "out.env");
  expect(await readFile(path, "utf8")).toBe("URL=postgres://a:$b@c/d\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("on a terminal it warns, and without one on stdout it does not", async () => {
  const env = { VSYNC_PASSPHRASE: PASSPHRASE };
  const args = ["export", "prod", "--format=docker", "--only=URL"];
  const shown = await (await home.sandbox.terminal(args, { env, showStdout: true })).end();
  expect(shown.screen.replaceAll(/\s+/g, " ")).toContain("vsync: warning: these values are on the screen now");
  const piped = await (await home.sandbox.terminal(args, { env })).end();
  expect(piped).toMatchObject({ screen: "", stdout: "URL=postgres://a:$b@c/d\n" });
});

describe("refused, and nothing is written", () => {
  const help = "see vsync export --help";
  const file = 'cannot carry "certs/ca.pem": it is a file';
  const carried = "--format=json or --format=k8s carries it; or leave it out with --except=certs/ca.pem";
  test.each([
    [[], "missing --format", "give --format= one of dotenv, json, k8s, docker, shell"],
    [
      ["--format=json", "--only="],
      "--only has an empty name",
      "give names from the vault, as in --only=DATABASE_URL,PORT",
    ],
    [
      ["--format=json", "--except=A,"],
      "--except has an empty name",
      "give names from the vault, as in --except=DATABASE_URL,PORT",
    ],
    [["--format=xml"], "--format must be one of dotenv, json, k8s, docker, shell", help],
    [["--format=dotenv"], `dotenv ${file}`, carried],
    [["--format=shell", "--out=x"], `shell ${file}`, carried],
    [
      ["--format=docker", "--out=x"],
      `docker cannot carry "KEY": its value has a line end`,
      "--format=shell or --format=json or --format=k8s carries it; or leave it out with --except=KEY",
    ],
    [["--format=k8s"], "a Kubernetes Secret needs a name", "give it with --name=<name>"],
    [
      ["--format=k8s", "--name=API"],
      "--name is not what Kubernetes takes",
      "use lower case letters, digits and dashes, as in acme-api, at most 253",
    ],
    [
      ["--format=k8s", "--name=api"],
      'k8s cannot carry "certs/ca.pem": a key has letters, digits, dashes, underscores and dots alone',
      "--format=json carries it; or leave it out with --except=certs/ca.pem",
    ],
    [
      ["--format=json", "--name=api"],
      "--name and --namespace are those of a Kubernetes Secret",
      "leave them out, or give --format=k8s",
    ],
    [["--format=json", "--only=ULR"], 'the vault has no "ULR"', "did you mean URL?"],
    [["--format=json", "--out=-"], "--out names a file", "without --out the result goes to stdout"],
    [["--format=json", "--out="], "--out names a file", "without --out the result goes to stdout"],
    [
      ["--format=json", "--out=link"],
      "link is a symbolic link, which is not followed",
      "name another file with --out=<file>, or redirect stdout",
    ],
    [
      ["--format=json", "--out=folder"],
      "folder is not a regular file",
      "name another file with --out=<file>, or redirect stdout",
    ],
    [
      ["--format=json", "--out=ca.pem/x"],
      "cannot write ca.pem/x: ENOTDIR",
      "check the folder's owner, mode and free space, or name another with --out=<file>",
    ],
  ])("vsync export prod %j", async (args, error, hint) => {
    await mkdir(join(home.sandbox.work, "folder"), { recursive: true });
    await symlink("elsewhere", join(home.sandbox.work, "link")).catch(() => undefined);
    const before = await home.sandbox.snapshot();
    expect(await home.run(["export", "prod", ...args])).toEqual(failed(error, hint));
    expect(await home.sandbox.snapshot()).toEqual(before);
  });

  test("an env that this machine does not know: 4", async () => {
    expect(await home.run(["export", "dev", "--format=json"])).toMatchObject({ stdout: "", exitCode: 4 });
  });
});
