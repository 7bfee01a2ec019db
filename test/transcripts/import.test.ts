import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

let home: VaultHome;
/** Nothing is pushed yet. */
beforeEach(async () => {
  home = await openVaultHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const importing = (args: readonly string[], stdin = "") => home.run(["import", "prod", ...args], { stdin });
const wrote = (stderr: string) => ({ stdout: "", stderr, exitCode: 0 });
const content = async () => JSON.parse((await home.must("export", "prod", "--format=json")).stdout);

test("the first import makes the vault; the next adds and changes; one that changes nothing writes nothing", async () => {
  await home.sandbox.write("work/secrets.json", '{"A": "1", "PORT": 5432}');
  const first = wrote("  + A\n  + PORT\n✓ Imported into prod (gen=1): 2 added\n");
  expect(await importing(["--from=secrets.json"])).toEqual(first);
  await home.sandbox.write("work/more.yaml", "A: '2'\nB: true\n");
  const second = wrote("  + B\n  ~ A\n✓ Imported into prod (gen=2): 1 added, 1 changed\n");
  expect(await importing(["--from=more.yaml", "--note=moved"])).toEqual(second);
  expect(await content()).toEqual({ A: "2", PORT: "5432", B: "true" });
  expect(await importing(["--from=more.yaml"])).toEqual(
    wrote("✓ Nothing to import: prod already holds exactly this (gen=2)\n"),
  );
  expect((await home.must("audit", "prod")).stdout).toMatch(/set +2 +moved/);
  expect((await home.must("status", "prod", "--json")).stdout).toContain('"seenGen": 2');
});

test.each([
  [["--from=-", "--format=docker"], "A='1'\n", { A: "'1'" }],
  [["--from=-", "--format=dotenv"], "A='1'\n", { A: "1" }],
  [
    ["--from=-"],
    "apiVersion: v1\nkind: Secret\ndata: {A: MQ==, tls.crt: AP8K}\n",
    { A: "1", "tls.crt": { base64: "AP8K" } },
  ],
])("stdin: %j", async (args, stdin, expected) => {
  expect((await importing(args, stdin)).exitCode).toBe(0);
  expect(await content()).toEqual(expected);
});

test("a folder of secret files, and what export wrote", async () => {
  await home.sandbox.write("work/secrets/db_password", "x\n");
  await home.sandbox.write("work/secrets/tls.key", Uint8Array.of(0, 255));
  await importing(["--from=secrets"]);
  const expected = { db_password: "x", "tls.key": { base64: "AP8=" } };
  expect(await content()).toEqual(expected);
  await home.must("export", "prod", "--format=json", "--out=all.json");
  await home.push({ OTHER: "1" });
  await importing(["--from=all.json", "--replace"]);
  expect(await content()).toEqual(expected);
});

test("--dry-run shows names, and writes nothing, before the first import too", async () => {
  const dry = (...more: string[]) => importing(["--from=-", "--format=docker", "--dry-run", ...more], "A=planted\n");
  const before = await home.sandbox.snapshot();
  expect(await dry()).toEqual(wrote("  + A\nwould be 1 added; dry run: nothing was written\n"));
  expect(await home.sandbox.snapshot()).toEqual(before);
  await home.push({ A: "1", B: "2" });
  const pushed = await home.sandbox.snapshot();
  expect(await dry()).toEqual(wrote("  ~ A\nwould be 1 changed; dry run: nothing was written\n"));
  const replaced = wrote("  ~ A\n  - B\nwould be 1 changed, 1 removed; dry run: nothing was written\n");
  expect(await dry("--replace")).toEqual(replaced);
  const { stdout } = await dry("--replace", "--json");
  expect(JSON.parse(stdout)).toEqual({
    env: "prod",
    gen: 1,
    written: false,
    added: [],
    changed: ["A"],
    removed: ["B"],
  });
  expect(await home.sandbox.snapshot()).toEqual(pushed);
});

test("--replace removes; a terminal is asked, and no writes nothing", async () => {
  await home.push({ A: "1", B: "2" });
  await home.sandbox.write("work/a.json", '{"A": "planted"}');
  const before = await home.sandbox.snapshot();
  const session = await home.sandbox.terminal(["import", "prod", "--from=a.json", "--replace"], {
    env: { VSYNC_PASSPHRASE: PASSPHRASE },
  });
  await session.shows("Remove 1 of the vault's names?");
  session.answer("n");
  const { screen, exitCode } = await session.end();
  expect({ screen, exitCode }).toEqual({ screen: expect.stringContaining("nothing was written"), exitCode: 0 });
  expect(screen).not.toContain("planted");
  expect(await home.sandbox.snapshot()).toEqual(before);
  const replaced = wrote("  ~ A\n  - B\n✓ Imported into prod (gen=2): 1 changed, 1 removed\n");
  expect(await importing(["--from=a.json", "--replace", "--yes"])).toEqual(replaced);
  expect(await content()).toEqual({ A: "planted" });
});

describe("refused, and nothing is written", () => {
  const told = "name it with --format=dotenv|json|yaml|docker|k8s";
  test.each([
    [[], "missing --from", "see vsync import --help"],
    [["--from=-"], "the format of stdin cannot be told from its name or content", told],
    [["--from=plain"], "the format of plain cannot be told from its name or content", told],
    [
      ["--from=none.json"],
      "none.json is not there",
      "name a file or folder with --from=<path>, or pipe it in with --from=-",
    ],
    [
      ["--from=bad.json"],
      "bad.json: line 2 holds more than a value: db.url",
      "make it flat, a name and a value each; Kubernetes Secrets are read with --format=k8s",
    ],
    [["--from=deep"], "deep/er is a folder", "name it itself with --from=<folder>, or move it away"],
    [
      ["--from=-", "--format=docker", "--passphrase-file=-"],
      "--passphrase-file and --from cannot both be read from stdin",
      "name a file for one of them",
    ],
  ])("vsync import prod %j", async (args, error, hint) => {
    await home.sandbox.write("work/plain", "A=planted");
    await home.sandbox.write("work/bad.json", '{"A": "1",\n"db": {"url": "planted"}}');
    await mkdir(join(home.sandbox.work, "deep", "er"), { recursive: true });
    const before = await home.sandbox.snapshot();
    const stderr = `vsync: error: ${error}\nvsync: hint: ${hint}\n`;
    expect(await importing(args, "A=planted")).toEqual({ stdout: "", stderr, exitCode: 1 });
    expect(await home.sandbox.snapshot()).toEqual(before);
  });

  test("an env that this machine does not know: 4; a wrong passphrase: 1", async () => {
    const args = ["--from=-", "--format=docker"];
    expect(await home.run(["import", "dev", ...args], { stdin: "A=1" })).toMatchObject({ stdout: "", exitCode: 4 });
    await home.push({ A: "1" });
    const before = await home.sandbox.snapshot();
    const env = { VSYNC_PASSPHRASE: "not the passphrase" };
    expect(await home.run(["import", "prod", ...args], { stdin: "A=2", env })).toMatchObject({
      stdout: "",
      exitCode: 1,
    });
    expect(await home.sandbox.snapshot()).toEqual(before);
  });
});
