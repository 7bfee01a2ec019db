import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeDocument } from "../../src/cli/config/config-document.ts";
import type { LocalConfig } from "../../src/cli/config/local-config.ts";
import { makeConfig, PLANTED_SECRET } from "../cli/config-fixture.ts";
import { openSandbox, type Sandbox, type Transcript } from "../support/program/sandbox.ts";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
  await sandbox.write("work/package.json", '{"name":"api"}');
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const status = async (...args: string[]): Promise<Transcript> => sandbox.tidy(await sandbox.run(["status", ...args]));

async function configure(changes: Partial<LocalConfig> = {}, mode?: number): Promise<void> {
  const config = makeConfig(changes);
  await sandbox.write(`home/.config/vsync/${config.repo}/${config.env}.json`, writeDocument(config), mode);
}

const STAGING = {
  env: "staging",
  endpoint: "file:///srv/vaults",
  bucket: "local",
  prefix: "api/staging/",
  region: "local",
};

test("of one environment: a bucket", async () => {
  await configure({ seenGen: 12 });
  const stdout = `repo             api
env              prod
store            https://s3.example.com/vaults/api/prod/
region           eu-central-1
credentials      AKIAEXAMPLE
vault            AAECAwQFBgcICQoLDA0ODw
generation seen  12
config           <home>/.config/vsync/api/prod.json
`;
  for (const args of [["prod"], ["--env=prod"], ["prod", "--repo=api"], []]) {
    expect(await status(...args)).toEqual({ stdout, stderr: "", exitCode: 0 });
  }
});

test("of one environment: a directory", async () => {
  await configure({ ...STAGING, credentials: "ambient" });
  const stdout = `repo             api
env              staging
store            file:///srv/vaults/local/api/staging/
vault            AAECAwQFBgcICQoLDA0ODw
generation seen  0
config           <home>/.config/vsync/api/staging.json
`;
  expect(await status("staging")).toEqual({ stdout, stderr: "", exitCode: 0 });
});

test("of all environments, also where one cannot be used", async () => {
  await configure({ seenGen: 12 });
  await configure({ ...STAGING, credentials: "ambient" });
  await sandbox.write("home/.config/vsync/api/broken.json", '{"vault": ');
  const stdout = `broken    -  config cannot be used
prod     12  https://s3.example.com/vaults/api/prod/
staging   0  file:///srv/vaults/local/api/staging/
`;
  const stderr = "vsync: warning: <home>/.config/vsync/api/broken.json is not JSON: line 1, column 11\n";
  expect(await status()).toEqual({ stdout, stderr, exitCode: 0 });
});

test("--json says the same to machines", async () => {
  await configure({ seenGen: 12 });
  await sandbox.write("home/.config/vsync/api/broken.json", "");
  const { stdout, stderr, exitCode } = await status("--json");
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  expect(JSON.parse(stdout)).toEqual({
    repo: "api",
    vaults: [
      expect.objectContaining({
        env: "broken",
        fault: "<home>/.config/vsync/api/broken.json is not JSON: line 1, column 1",
        vault: null,
      }),
      {
        env: "prod",
        fault: null,
        endpoint: "https://s3.example.com",
        region: "eu-central-1",
        bucket: "vaults",
        prefix: "api/prod/",
        credentials: "AKIAEXAMPLE",
        vault: "AAECAwQFBgcICQoLDA0ODw",
        seenGen: 12,
        config: "<home>/.config/vsync/api/prod.json",
      },
    ],
  });
  const prod = JSON.parse((await status("prod", "--json")).stdout);
  expect(prod.vaults).toHaveLength(1);
});

test("nothing is configured yet", async () => {
  const stderr = "api has no environment on this machine\nvsync: hint: run vsync init --env=<env>\n";
  expect(await status()).toEqual({ stdout: "", stderr, exitCode: 0 });
  expect(JSON.parse((await status("--json")).stdout)).toEqual({ repo: "api", vaults: [] });
});

describe("fails and writes nothing", () => {
  afterEach(async () => expect(Object.keys(await sandbox.snapshot())).not.toContain("home/.local"));

  test("an environment that is not configured: 4", async () => {
    const before = await sandbox.snapshot();
    const stderr =
      "vsync: error: this machine has no config for env prod of api: <home>/.config/vsync/api/prod.json is not there\n" +
      "vsync: hint: run vsync init --env=prod\n";
    expect(await status("prod")).toEqual({ stdout: "", stderr, exitCode: 4 });
    expect(await status("prod", "--json")).toEqual({ stdout: "", stderr, exitCode: 4 });
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("an env that is nearly one that is there: 4, and a suggestion", async () => {
    await configure();
    const { stderr, exitCode } = await status("prd");
    expect(stderr).toContain("vsync: hint: did you mean prod? Else run vsync init --env=prd\n");
    expect(exitCode).toBe(4);
  });

  test("a config that others can change: 4", async () => {
    await configure({}, 0o666);
    const stderr =
      "vsync: error: <home>/.config/vsync/api/prod.json can be changed by other users (mode 0666)\n" +
      "vsync: hint: check its content, then chmod 600 <home>/.config/vsync/api/prod.json\n";
    expect(await status("prod")).toEqual({ stdout: "", stderr, exitCode: 4 });
  });

  test("a folder that is no repository: 1", async () => {
    await sandbox.write("work/package.json", "{}");
    const stderr =
      "vsync: error: this folder is in no repository\n" +
      "vsync: hint: name the repository with --repo=<name> or VSYNC_REPO\n";
    expect(await status()).toEqual({ stdout: "", stderr, exitCode: 1 });
  });
});

test("the key is in no output", async () => {
  await configure({ endpoint: `https://user:${PLANTED_SECRET}@s3.example.com` });
  for (const args of [[], ["--json"], ["prod", "--log-level=debug"]]) {
    const { stdout, stderr } = await status(...args);
    expect(stdout + stderr).toContain("s3.example.com");
    expect(stdout + stderr).not.toContain(PLANTED_SECRET);
  }
});

test("on a terminal the table has a head", async () => {
  await configure({ seenGen: 3 });
  await configure({ ...STAGING, credentials: "ambient" });
  const session = await sandbox.terminal(["status"], { showStdout: true });
  expect((await session.end()).screen).toBe(
    [
      "ENV      GENERATION SEEN  STORE",
      "prod                   3  https://s3.example.com/vaults/api/prod/",
      "staging                0  file:///srv/vaults/local/api/staging/",
      "",
    ].join("\r\n"),
  );
});
