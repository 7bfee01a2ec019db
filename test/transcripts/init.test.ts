import { chmod, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configOn, configure, keyOf, openMachine, strictPlace } from "../support/program/s3-machine.ts";
import { programUnderTest, type Sandbox, type Transcript } from "../support/program/sandbox.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { PASSPHRASE } from "../support/vault-fixture.ts";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openMachine();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const ENV = { VSYNC_PASSPHRASE: PASSPHRASE };
const init = async (args: readonly string[] = [], env: Record<string, string | undefined> = ENV): Promise<Transcript> =>
  sandbox.tidy(await sandbox.run(["init", "--env=prod", ...args], { env }));

describe("without a terminal", () => {
  test("the vault lives in a directory of this machine", async () => {
    const made = {
      stdout: "",
      stderr: `✓ Vault for prod set up at <home>/.local/share/vsync/vaults/api/prod/
✓ Passphrase set: it is stored nowhere, and without it the vault does not open
✓ Config written to <home>/.config/vsync/api/prod.json
next: vsync push prod
`,
      exitCode: 0,
    };
    expect(await init()).toEqual(made);
    const { endpoint, region, bucket, prefix, credentials } = await configOn(sandbox);
    expect({ endpoint, region, bucket, prefix, credentials }).toEqual({
      endpoint: `file://${sandbox.home}/.local/share/vsync`,
      region: "local",
      bucket: "vaults",
      prefix: "api/prod/",
      credentials: "ambient",
    });
    expect((await stat(join(sandbox.home, ".local/share/vsync/vaults"))).mode & 0o777).toBe(0o700);
  });

  test("also with --local, and below XDG_DATA_HOME unless that is relative", async () => {
    const data = join(sandbox.home, "data");
    await init(["--local"], { ...ENV, XDG_DATA_HOME: data });
    expect((await configOn(sandbox)).endpoint).toBe(`file://${data}/vsync`);
    await init(["--local"], { ...ENV, XDG_DATA_HOME: "relative" });
    expect((await configOn(sandbox)).endpoint).toBe(`file://${sandbox.home}/.local/share/vsync`);
  });

  test("another directory, by its endpoint; then another prefix in it", async () => {
    const folder = join(sandbox.home, "stick");
    expect((await init([`--endpoint=file://${folder}`])).stderr).toContain("<home>/stick/vaults/api/prod/");
    const first = await configOn(sandbox);
    expect((await init(["--prefix=elsewhere/"])).exitCode).toBe(0);
    expect(await configOn(sandbox)).toEqual({ ...first, prefix: "elsewhere/" });
    expect((await init([])).exitCode).toBe(0);
    expect(await configOn(sandbox)).toEqual({ ...first, prefix: "elsewhere/" });
  });

  test("the passphrase by file or stdin", async () => {
    const file = await sandbox.write("work/passphrase", `${PASSPHRASE}\n`);
    expect((await init([`--passphrase-file=${file}`], {})).exitCode).toBe(0);
    const again = ["init", "--env=prod", "--reset", "--passphrase-file=-"];
    expect((await sandbox.run(again, { stdin: PASSPHRASE })).exitCode).toBe(0);
    await sandbox.write("work/.env.prod", "A=1\n");
    expect((await sandbox.run(["push", "prod"], { env: ENV })).exitCode).toBe(0);
  });

  test("no --env: 1", async () => {
    const { stderr, exitCode } = await sandbox.run(["init"], { env: ENV });
    expect(stderr).toBe("vsync: error: missing --env\nvsync: hint: name the environment with --env=<env>\n");
    expect(exitCode).toBe(1);
  });

  test("a file in the place of the config folder: 4, and it stays", async () => {
    await sandbox.write("home/.config/vsync", "a file in its place");
    const before = await readFile(join(sandbox.home, ".config/vsync"), "utf8");
    const { stderr, exitCode } = await init();
    expect(stderr).toContain(
      "vsync: error: <home>/.config/vsync/api/prod.json cannot be used: a part of its path is not a folder (ENOTDIR)\n",
    );
    expect(exitCode).toBe(4);
    expect(await readFile(join(sandbox.home, ".config/vsync"), "utf8")).toBe(before);
  });
});

describe("on a terminal", () => {
  let server: StrictS3;
  beforeEach(async () => {
    server = await startStrictS3();
  });
  afterEach(() => server.close());

  const DOWN = "\u001b[B";

  test("asks where, for a bucket all of it, and the passphrase twice until both are the same", async () => {
    const session = await sandbox.terminal(["init", "--env=prod"]);
    await session.shows("Where is the vault to live?");
    await session.shows("In another S3 store");
    session.press(`${DOWN}${DOWN}\r`);
    await session.shows("Endpoint:");
    session.answer(server.endpoint);
    await session.shows("Bucket:");
    session.answer("strict");
    await session.shows("Region:");
    await session.shows("us-east-1");
    session.answer("");
    await session.shows("Prefix:");
    await session.shows("api/prod/");
    session.answer("");
    await session.shows("Credentials:");
    session.press("\r");
    await session.shows("Access key id:");
    session.answer("ROOTKEY");
    await session.shows("Secret access key:");
    session.answer(ROOT.secretAccessKey);
    await session.shows("New passphrase:");
    session.answer(PASSPHRASE);
    await session.shows("Confirm new passphrase:");
    session.answer("something else");
    await session.shows("the passphrase was not typed the same twice: try again");
    await session.shows("New passphrase:");
    session.answer(PASSPHRASE);
    await session.shows("Confirm new passphrase:");
    session.answer(PASSPHRASE);
    await session.shows("Config written to");
    const { stdout, screen, exitCode, isRestored } = await session.end();
    expect({ stdout, exitCode, isRestored }).toEqual({ stdout: "", exitCode: 0, isRestored: true });
    for (const secret of [PASSPHRASE, ROOT.secretAccessKey, "something else"]) expect(screen).not.toContain(secret);
    const { endpoint, bucket, prefix, credentials } = await configOn(sandbox);
    expect({ endpoint, bucket, prefix }).toEqual({ endpoint: server.endpoint, bucket: "strict", prefix: "api/prod/" });
    expect(credentials).toMatchObject({ accessKeyId: "ROOTKEY" });
  });

  test("run again, Enter takes what is there: everything stays", async () => {
    await configure(sandbox, strictPlace(server), { vault: "AAECAwQFBgcICQoLDA0ODw", prefix: "a/b/" });
    const before = await sandbox.snapshot();
    const session = await sandbox.terminal(["init", "--env=prod"]);
    await session.shows("In another S3 store, as R2, MinIO or Ceph (strict, as now)");
    session.press("\r");
    await session.shows(server.endpoint);
    session.answer("");
    await session.shows("strict");
    session.answer("");
    await session.shows("Region:");
    session.answer("");
    await session.shows("a/b/");
    session.answer("");
    await session.shows("Access key ROOTKEY, as now");
    session.press("\r");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 0, isRestored: true });
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("run again, another key can be typed", async () => {
    const keys = { accessKeyId: "STALEKEY", secretAccessKey: "stale" };
    await configure(sandbox, strictPlace(server, keys), { vault: "AAECAwQFBgcICQoLDA0ODw" });
    const session = await sandbox.terminal(["init", "--env=prod"]);
    for (const question of ["to live?", "Endpoint:", "Bucket:", "Region:", "Prefix:"]) {
      await session.shows(question);
      session.press("\r");
    }
    await session.shows("Another access key");
    session.press(`${DOWN}\r`);
    await session.shows("Access key id:");
    session.answer(ROOT.accessKeyId);
    await session.shows("Secret access key:");
    session.answer(ROOT.secretAccessKey);
    expect((await session.end()).exitCode).toBe(0);
    expect((await configOn(sandbox)).credentials).toEqual(keyOf(ROOT));
    expect(await readFile(join(sandbox.configFolder, "api", "prod.json"), "utf8")).toContain(ROOT.secretAccessKey);
  });

  test("asks for the env as well, and suggests what the folder and the AWS files say", async () => {
    await sandbox.write("work/.env.staging", "A=1\n");
    await sandbox.write("home/.aws/config", "[default]\nregion = us-west-2\n[profile work]\nregion = eu-north-1\n");
    await sandbox.write("home/.aws/credentials", `[work]\naws_secret_access_key = ${ROOT.secretAccessKey}\n`);
    const session = await sandbox.terminal(["init"], { env: { AWS_PROFILE: "work" } });
    await session.shows("Sets up a vault for api here, or joins your team's.");
    await session.shows("Environment: [staging]");
    session.answer("");
    await session.shows("In an AWS S3 bucket");
    session.press(`${DOWN}\r`);
    await session.shows("Bucket:");
    session.answer("acme-secrets");
    await session.shows("Region: [eu-north-1]");
    session.answer("");
    await session.shows("Prefix: [api/staging/]");
    session.answer("");
    await session.shows("The AWS credential chain (profile work), nothing stored in the config");
    session.press("\u0003");
    const { exitCode, screen, isRestored } = await session.end();
    expect({ exitCode, isRestored }).toEqual({ exitCode: 130, isRestored: true });
    expect(screen).not.toContain(ROOT.secretAccessKey);
  });

  test("from the first word to the next command, with Enter and the passphrase alone", async () => {
    const session = await sandbox.terminal(["init"]);
    await session.shows("Environment: [dev]");
    session.answer("");
    await session.shows("In a directory on this machine");
    session.press("\r");
    await session.shows("New passphrase:");
    session.answer(PASSPHRASE);
    await session.shows("Confirm new passphrase:");
    session.answer(PASSPHRASE);
    await session.shows("next: vsync push dev");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 0, isRestored: true });
  });

  test("an env that cannot be one is asked for again", async () => {
    const session = await sandbox.terminal(["init"]);
    await session.shows("Environment:");
    session.answer("a/b");
    await session.shows("may only have letters, digits, dots, underscores and dashes");
    session.press("\u0003");
    expect((await session.end()).exitCode).toBe(130);
  });

  test("Ctrl-C: 130, and nothing was written", async () => {
    const before = await sandbox.snapshot();
    const session = await sandbox.terminal(["init", "--env=prod"]);
    await session.shows("Where is the vault to live?");
    session.press("\u0003");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 130, isRestored: true });
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("Ctrl-C at the passphrase: 130, and no config", async () => {
    const session = await sandbox.terminal(["init", "--env=prod", "--local"]);
    await session.shows("New passphrase:");
    session.press("\u0003");
    expect(await session.end()).toMatchObject({ stdout: "", exitCode: 130, isRestored: true });
    expect(Object.keys(await sandbox.snapshot()).filter((path) => path.endsWith("prod.json"))).toEqual([]);
  });
});

test("a disk that refuses the config: 1, named", async () => {
  const other = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];
  await using machine = await openMachine([...other, ...programUnderTest()]);
  await machine.write("home/.config/vsync/api/other.json", "{}");
  await chmod(join(machine.configFolder, "api"), 0o500);
  const { stdout, stderr, exitCode } = machine.tidy(await machine.run(["init", "--env=prod"], { env: ENV }));
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  expect(stderr).toBe(
    "vsync: error: cannot write <home>/.config/vsync/api/prod.json: EACCES\n" +
      "vsync: hint: check who owns the folder, and the disk\n",
  );
  await chmod(join(machine.configFolder, "api"), 0o700);
});
