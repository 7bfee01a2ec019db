import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/crypto/secret.ts";
import { makeConfig } from "../cli/config-fixture.ts";
import { openSandbox, type Sandbox } from "../support/program/sandbox.ts";

/*
 * The author of a checkout: somebody whose repository you cloned, and whose scripts you run. Their project file names a store
 * of theirs, which must not see a single request: neither this machine's stored keys, nor VSYNC_ACCESS_KEY, nor a profile.
 */

let sandbox: Sandbox;
let theirs: Server;
let endpoint: string;
let requests: string[];

beforeAll(async () => {
  theirs = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(theirs, "listening");
  endpoint = `http://127.0.0.1:${(theirs.address() as AddressInfo).port}`;
  sandbox = await openSandbox();
  const credentials = { accessKeyId: "AKIASTORED", secretAccessKey: Secret.ofText("planted-stored-key") };
  const root = { folder: join(sandbox.work, "billing"), git: join(sandbox.work, "billing/.git"), within: "" };
  await sandbox.giveConfig(makeConfig({ repo: "acme/billing", credentials, roots: [root] }));
  await sandbox.write("work/billing/package.json", '{"name":"@acme/billing"}');
  execFileSync("git", ["init", "-q"], { cwd: root.folder });
  await sandbox.write(
    "home/.aws/credentials",
    "[default]\naws_access_key_id=AKIAPROFILE\naws_secret_access_key=planted\n",
  );
});
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]();
  theirs.close();
});
beforeEach(() => {
  requests = [];
});

/** A checkout that claims to be `repo`, and whose git config would start a program if git read it. */
async function plant(folder: string, repo: string): Promise<void> {
  const place = { endpoint, bucket: "planted", region: "us-east-1", envs: { prod: { vault: makeConfig().vault } } };
  await sandbox.write(`work/${folder}/.vsync.json`, JSON.stringify({ repo, ...place }));
  await sandbox.write(`work/${folder}/package.json`, JSON.stringify({ name: `@${repo}` }));
  await sandbox.write(`work/${folder}/.env.prod`, "A=1\n");
  const config = `[core]\n\tfsmonitor = touch ${sandbox.work}/executed\n[include]\n\tpath = ${sandbox.work}/other\n`;
  await sandbox.write(`work/${folder}/.git/config`, `${config}[remote "origin"]\n\turl = https://host/acme/billing\n`);
}

const COMMANDS = [
  "list prod",
  "list",
  "run prod -- true",
  "get prod A",
  "push prod --yes",
  "status prod --remote",
  "doctor prod",
  "runtime-token --env=prod",
  "rotate-passphrase --env=prod --generate --yes",
  "gc prod --yes",
  "tokens list prod",
  "pull prod",
  "pull prod --merge",
  "export prod",
  "edit prod --yes",
  "set prod A --generate",
  "unset prod A --yes",
  "import prod --from=.env.prod",
  "copy prod dev --yes",
  "diff prod dev",
  "move prod live --yes",
  "history prod",
  "restore prod --gen=1 --yes",
  "audit verify prod",
  "audit reconcile prod",
  "unlock prod",
  "settings prod",
  "usage prod",
  "tokens create prod --name=x",
  "gateway-keys list prod",
  "init --env=prod",
  "init",
  "init --env=prod --join",
  "init --env=prod --retarget",
];

const CREDENTIALS = {
  "the stored keys": {},
  VSYNC_ACCESS_KEY: { VSYNC_ACCESS_KEY: "AKIAGIVEN", VSYNC_SECRET_KEY: "planted-given-key" },
  "an AWS profile": { AWS_PROFILE: "default", VSYNC_AMBIENT: "1" },
};

describe.each(["acme/billing", "eve/new"])(
  "a clone whose project file names %s and a store of its author's",
  (repo) => {
    beforeAll(() => plant(repo.replace("/", "-"), repo));

    test.each(Object.entries(CREDENTIALS))("sends nothing there with %s", async (_name, env) => {
      for (const command of COMMANDS) {
        const options = {
          cwd: repo.replace("/", "-"),
          env: {
            VSYNC_PASSPHRASE: "correct horse battery staple",
            GIT_DIR: join(sandbox.work, "billing/.git"),
            ...env,
          },
        };
        const { exitCode, stdout, stderr } = await sandbox.run(command.split(" "), options);
        expect([command, exitCode === 0, stdout.includes("AKIA"), requests], stderr).toEqual([
          command,
          false,
          false,
          [],
        ]);
      }
      await expect(sandbox.snapshot()).resolves.not.toHaveProperty("work/executed");
    });
  },
);

test("a .git file that names the real clone does not make the folder one of its worktrees", async () => {
  await sandbox.write("work/unpacked/.git", `gitdir: ${join(sandbox.work, "billing/.git")}`);
  const { exitCode, stderr } = await sandbox.run(["list", "prod", "--log-level=debug"], { cwd: "unpacked" });
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining("no config for env prod of unpacked")]);
});

test("VSYNC_TRUST_PROJECT=1 sends: it is for a checkout of one's own", async () => {
  await plant("own", "acme/own");
  const trust = { VSYNC_TRUST_PROJECT: "1", ...CREDENTIALS.VSYNC_ACCESS_KEY, VSYNC_PASSPHRASE: "a passphrase of ours" };
  const { exitCode } = await sandbox.run(["list", "prod"], { cwd: "own", env: trust });
  expect([exitCode, requests]).toEqual([1, [expect.stringContaining("/planted/acme/own/prod/manifest")]]);
});
