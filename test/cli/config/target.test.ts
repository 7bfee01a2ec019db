import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSandbox, type Sandbox } from "../../support/program/sandbox.ts";
import { PROBE } from "../probe.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox(PROBE);
  await sandbox.write("work/package.json", '{"name":"@acme/api"}');
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const where = async (args: readonly string[], env = {}) => sandbox.run(["where", ...args], { env });

describe("which vault is meant", () => {
  test.each([
    [["prod"], {}, { repo: "api", env: "prod" }],
    [["--env=prod"], {}, { repo: "api", env: "prod" }],
    [["prod", "--env=prod"], {}, { repo: "api", env: "prod" }],
    [["prod", "--repo=web"], { VSYNC_REPO: "shop" }, { repo: "web", env: "prod" }],
    [["prod"], { VSYNC_REPO: "shop" }, { repo: "shop", env: "prod" }],
  ])("%j with %o", async (args, env, target) => {
    const { stdout, stderr, exitCode } = await where(args, env);
    expect({ target: JSON.parse(stdout), stderr, exitCode }).toEqual({ target, stderr: "", exitCode: 0 });
  });

  const hint = "name the environment with --env=<env>";
  test.each([
    [[], "missing --env", hint],
    [["prod", "--env=staging"], "--env and the argument name two environments", "give one of them"],
    [["../../etc"], 'the env "../../etc" may only have letters, digits, dots, underscores and dashes', hint],
    [["--env=-x"], 'the env "-x" must not start with a dash', hint],
    [["--env="], 'the env "" is empty', hint],
    [
      ["prod", "--repo=.."],
      'the repo ".." leads out of its folder',
      "name the repository with --repo=<name> or VSYNC_REPO",
    ],
  ])("%j is refused", async (args, error, said) => {
    const stderr = `vsync: error: ${error}\nvsync: hint: ${said}\n`;
    expect(await where(args)).toEqual({ stdout: "", stderr, exitCode: 1 });
  });
});
