import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  listDotenvEnvs,
  resolveTarget,
  type TargetInput,
  vaultArgs,
  vaultFlags,
} from "../../../src/cli/config/target.ts";

let folder: string;
const resolve = (input: TargetInput) => resolveTarget(input, () => expect.unreachable());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vsync-target-"));
  writeFileSync(join(folder, "package.json"), '{"name":"@acme/api"}');
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  vi.stubEnv("VSYNC_REPO", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

test("an env is named by the flag, by the argument, or by both alike", async () => {
  const target = { repo: "api", env: "prod" };
  expect(await resolve({ flags: { env: "prod" } })).toEqual(target);
  expect(await resolve({ flags: {}, args: { env: "prod" } })).toEqual(target);
  expect(await resolve({ flags: { env: "prod" }, args: { env: "prod" } })).toEqual(target);
});

test("a repo that was typed is repeated in hints, one that was found is not", async () => {
  vi.stubEnv("VSYNC_REPO", "shop");
  const found = await resolve({ flags: { env: "prod" } });
  expect([found.repo, vaultArgs(found), vaultFlags(found)]).toEqual(["shop", "prod", "--env=prod"]);
  const typed = await resolve({ flags: { env: "prod", repo: "web" } });
  expect([vaultArgs(typed), vaultFlags(typed)]).toEqual(["prod --repo=web", "--env=prod --repo=web"]);
});

const ENV_HINT = "name the environment with --env=<env>";
test.each([
  [{}, undefined, "missing --env", ENV_HINT],
  [{ env: "staging" }, "prod", "--env and the argument name two environments", "give one of them"],
  [{}, "../../etc", 'the env "../../etc" may only have letters, digits, dots, underscores and dashes', ENV_HINT],
  [{ env: "-x" }, undefined, 'the env "-x" must not start with a dash', ENV_HINT],
  [{ env: "" }, undefined, 'the env "" is empty', ENV_HINT],
  [
    { repo: ".." },
    "prod",
    'the repo ".." leads out of its folder',
    "name the repository with --repo=<name> or VSYNC_REPO",
  ],
])("%j and the argument %j are refused", async (flags, env, message, hint) => {
  const refused = expect.objectContaining({ code: "INPUT", message, hint });
  await expect(resolve({ flags, args: { env } })).rejects.toThrow(refused);
});

test("a dotenv file names an env, unless it holds examples or one person's overrides", async () => {
  for (const name of [".env", ".env.prod", ".env.dev", ".env.example", ".env.local", ".env.a.b"])
    writeFileSync(join(folder, name), "");
  mkdirSync(join(folder, "below"));
  writeFileSync(join(folder, "below", ".env.other"), "");
  expect(await listDotenvEnvs(folder)).toEqual(["dev", "prod"]);
  expect(await listDotenvEnvs(join(folder, "missing"))).toEqual([]);
});
