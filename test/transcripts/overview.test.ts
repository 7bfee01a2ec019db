import { afterEach, beforeEach, expect, test } from "vitest";
import { writeDocument } from "../../src/cli/config/config-document.ts";
import type { LocalConfig } from "../../src/cli/config/local-config.ts";
import { makeConfig, PLANTED_SECRET } from "../cli/config-fixture.ts";
import { openSandbox, type RunOptions, type Sandbox, type Transcript } from "../support/program/sandbox.ts";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const vsync = async (options?: RunOptions): Promise<Transcript> => sandbox.tidy(await sandbox.run([], options));
const shown = (stdout: string): Transcript => ({ stdout, stderr: "", exitCode: 0 });

async function configure(changes: Partial<LocalConfig> = {}): Promise<void> {
  const config = makeConfig(changes);
  await sandbox.write(`home/.config/vsync/${config.repo}/${config.env}.json`, writeDocument(config));
}

const inRepository = (): Promise<string> => sandbox.write("work/package.json", '{"name":"api"}');
const folder = (home: string): Partial<LocalConfig> => ({
  endpoint: `file://${home}/vaults`,
  bucket: "local",
  region: "local",
  credentials: "ambient",
});

test("in no repository", async () => {
  await configure({ repo: "web" });
  expect(await vsync()).toEqual(
    shown(`vsync: this folder is in no repository (no .git, no package.json with a name).
This machine has configs for other repositories: web.

Next:
  vsync init --env=dev --repo=<name>  set up a vault, or join your team's
  vsync --help                        all commands
`),
  );
});

test("nothing is configured: the dotenv files say which env is meant", async () => {
  await inRepository();
  await sandbox.write("work/.env.example", "");
  const initOf = (env: string): string => `  vsync init --env=${env}  set up a vault, or join your team's\n`;
  expect((await vsync()).stdout).toContain(initOf("dev"));
  await sandbox.write("work/.env.prod", "A=1\n");
  const { stdout, ...rest } = await vsync();
  expect(stdout).toContain("api (the name in <work>/package.json): no environment is set up on this machine.\n");
  expect(stdout).toContain(initOf("prod"));
  expect(rest).toEqual({ stderr: "", exitCode: 0 });
});

test("each env, what was seen of it, credentials, store; then what is to be pushed", async () => {
  await inRepository();
  await configure({ seenGen: 12, endpoint: "https://s3.eu-central-1.amazonaws.com" });
  await configure({ env: "qa", prefix: "api/qa/", credentials: "ambient", seenGen: 1 });
  await configure({ env: "staging", prefix: "api/staging/", ...folder(sandbox.home) });
  const table = (ambient: string): string => `ENV      SEEN     CREDENTIALS         STORE
prod     gen 12   AKIAEXAMPLE         s3://vaults/api/prod/
qa       gen 1    ${ambient.padEnd(18)}  s3://vaults/api/qa/ at s3.example.com
staging  no push  none needed         ~/vaults/local/api/staging/
`;
  expect(await vsync({ env: { VSYNC_REPO: "api" } })).toEqual(
    shown(`api (named by VSYNC_REPO):

${table("ambient: none here")}
Next:
  vsync push staging --from=<file>  there is no .env.staging here
  vsync --help                      all commands
`),
  );
  await sandbox.write("work/.env.staging", "A=1\n");
  const { stdout } = await vsync({ env: { AWS_PROFILE: "work" } });
  expect(stdout).toContain("ambient: AWS_PROFILE");
  expect(stdout).toContain("  vsync push staging  put .env.staging into its vault\n");
});

test("all has been pushed", async () => {
  await inRepository();
  await configure({ seenGen: 3 });
  expect((await vsync()).stdout).toContain(`Next:
  vsync list prod                 the names that it holds
  vsync run prod -- <program>     start a program with its secrets
  vsync runtime-token --env=prod  the string that an app boots from
  vsync --help                    all commands
`);
});

test("a config that cannot be used is named, and what to do", async () => {
  await inRepository();
  await sandbox.write("home/.config/vsync/api/prod.json", "{");
  const { stdout, exitCode } = await vsync();
  expect(stdout).toMatch(/^prod +\? +\? +\?$/m);
  expect(stdout).toContain("  vsync doctor prod  its config cannot be used\n");
  expect(exitCode).toBe(0);
});

test("a token in the environment", async () => {
  const { stdout } = await vsync({ env: { VSYNC_CONFIG: PLANTED_SECRET } });
  expect(stdout).toContain("VSYNC_CONFIG is set: commands without an env open the vault of that token.\n");
  expect(stdout).toContain("  vsync inspect ");
  expect(stdout).not.toContain(PLANTED_SECRET);
});

test("it fits a terminal of 80 columns", async () => {
  await inRepository();
  await configure({ seenGen: 3, endpoint: "https://s3.eu-central-1.amazonaws.com", bucket: "acme-secrets" });
  const session = await sandbox.terminal([], { showStdout: true });
  const { screen } = await session.end();
  for (const line of screen.replaceAll(sandbox.folder, "").split("\r\n")) expect(line.length).toBeLessThanOrEqual(80);
});
