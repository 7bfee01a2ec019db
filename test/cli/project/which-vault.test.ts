import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LocalConfig } from "../../../src/cli/config/config-document.ts";
import { saveConfig } from "../../../src/cli/config/local-config.ts";
import { configPath } from "../../../src/cli/config/paths.ts";
import { listDotenvEnvs, type TargetInput, vaultArgs, vaultFlags } from "../../../src/cli/config/target.ts";
import { configHere, requireNamed } from "../../../src/cli/project/config-here.ts";
import { resolveTarget, type Use } from "../../../src/cli/project/which-vault.ts";
import { makeConfig } from "../config-fixture.ts";

const READ: Use = { use: "values" };
const VAULT = makeConfig().vault;

let top: string;
let said: string[];
beforeEach(() => {
  top = mkdtempSync(join(realpathSync(tmpdir()), "vsync-which-"));
  said = [];
  for (const name of ["VSYNC_REPO", "VSYNC_ENV", "VSYNC_PROJECT"]) vi.stubEnv(name, undefined);
  vi.stubEnv("XDG_CONFIG_HOME", join(top, "config"));
  vi.stubEnv("HOME", join(top, "home"));
  enter("api");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(top, { recursive: true });
});

function enter(folder: string): string {
  const path = join(top, folder);
  mkdirSync(path, { recursive: true });
  vi.spyOn(process, "cwd").mockReturnValue(path);
  return path;
}

function write(path: string, content: unknown): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), typeof content === "string" ? content : JSON.stringify(content));
}

/** A config of `api`, bound to the folder `api`, unless it says otherwise. */
const know = (changes: Partial<LocalConfig> = {}) =>
  saveConfig(makeConfig({ roots: [{ folder: join(top, "api") }], ...changes }));

const which = (input: TargetInput = { flags: { env: "prod" } }, use = READ) =>
  resolveTarget(input, (text) => void said.push(text), use);

async function open(input?: TargetInput, use = READ): Promise<string> {
  const found = await which(input, use);
  const config = await configHere(found, use, (text) => void said.push(text));
  requireNamed(found, config, use);
  return `${config.repo} ${config.env}`;
}

const missing = (message: string, hint?: string) =>
  expect.objectContaining({
    code: "LOCAL_CONFIG_MISSING",
    message: expect.stringContaining(message),
    ...(hint === undefined ? {} : { hint: expect.stringContaining(hint) }),
  });
const input = (message: string, hint?: string) =>
  expect.objectContaining({ code: "INPUT", message, ...(hint === undefined ? {} : { hint }) });

describe("a config is used from its roots", () => {
  test("and from below them, with a project file or without", async () => {
    await know();
    enter("api/deep/er");
    expect(await open()).toBe("api prod");
    write("api/.vsync.json", { repo: "api" });
    expect(await open()).toBe("api prod");
  });

  test("and not from another folder of that name, nor from one whose project file claims it", async () => {
    await know();
    write("elsewhere/api/package.json", { name: "api" });
    enter("elsewhere/api");
    const message = `api is known from ${join(top, "api")}, not from this folder`;
    await expect(open()).rejects.toThrow(missing(message, "to use it here too: vsync init --env=prod"));
    write("elsewhere/api/.vsync.json", { repo: "api", bucket: "eve-bucket" });
    await expect(open()).rejects.toThrow(missing(message));
    expect(await open({ flags: { env: "prod", repo: "api" } })).toBe("api prod");
    vi.stubEnv("VSYNC_REPO", "api");
    expect(await open()).toBe("api prod");
  });

  test("and not from a folder that now holds another clone", async () => {
    await know({
      roots: [{ folder: join(top, "api"), git: join(top, "api/.git"), within: "", remote: "host/acme/api" }],
    });
    write("api/.git/config", '[remote "origin"]\n\turl = https://host/eve/api\n');
    await expect(open()).rejects.toThrow(missing("no config for env prod of eve/api"));
  });

  test("and, with a note, from where a clone with the same remote was moved to", async () => {
    await know({
      roots: [{ folder: join(top, "api"), git: join(top, "api/.git"), within: "", remote: "host/acme/api" }],
    });
    write("api/.git/config", '[remote "origin"]\n\turl = git@host:acme/api.git\n');
    write("api/.vsync.json", { repo: "api" });
    renameSync(join(top, "api"), join(top, "moved"));
    enter("moved");
    expect(await open()).toBe("api prod");
    expect(said).toEqual([`api has moved from ${join(top, "api")} to ${join(top, "moved")}`]);
    said = [];
    expect(await open()).toBe("api prod");
    expect(said).toEqual([]);
  });
});

describe("a config from before there were roots", () => {
  beforeEach(async () => {
    await know({ roots: [] });
    write("api/package.json", { name: "@acme/api" });
  });

  test("is bound, with a note, by the first command that shows names; until then it cannot be written", async () => {
    await expect(open(undefined, { use: "write" })).rejects.toThrow(
      missing("api/prod is not bound to a folder yet", "if it belongs to this one: vsync list prod"),
    );
    expect(await open(undefined, { use: "values" })).toBe("api prod");
    expect(await open(undefined, { use: "names" })).toBe("api prod");
    expect(said).toEqual([`api/prod belongs to ${join(top, "api")} from now on`]);
    expect(await open(undefined, { use: "write" })).toBe("api prod");
  });

  test("is not bound if only the folder's name suggests that it is the project's", async () => {
    rmSync(join(top, "api/package.json"));
    write("api/.git/config", '[remote "origin"]\n\turl = https://host/acme/other\n');
    const refused = missing("is not bound to a folder yet", "to bind it to this one: vsync init --env=prod");
    await expect(open(undefined, { use: "names" })).rejects.toThrow(refused);
  });
});

describe("a project file and a config have to agree", () => {
  const place = { endpoint: "https://s3.example.com", bucket: "vaults", region: "eu-central-1" };

  test("on vault and place, as far as the file names them", async () => {
    await know();
    write("api/.vsync.json", { repo: "api", ...place, envs: { prod: { vault: VAULT } } });
    expect(await open()).toBe("api prod");
    const other = { repo: "api", ...place, bucket: "old-bucket", envs: { prod: { vault: "B".repeat(22) } } };
    write("api/.vsync.json", other);
    await expect(open()).rejects.toThrow(
      missing(
        `differ: vault ${"B".repeat(22)} there, ${VAULT} here; bucket old-bucket there, vaults here`,
        "vsync init --env=prod --retarget",
      ),
    );
  });

  test("on a prefix: the file's folder with one for each env, or an env's own", async () => {
    await know();
    write("api/.vsync.json", { repo: "api", ...place, prefix: "api/" });
    expect(await open()).toBe("api prod");
    write("api/.vsync.json", { repo: "api", ...place, envs: { prod: { prefix: "live/" } } });
    await expect(open()).rejects.toThrow(missing("prefix live/ there, api/prod/ here"));
  });

  test("only about the envs that the file names", async () => {
    await know();
    write("api/.vsync.json", { repo: "api", bucket: "another", envs: { staging: {} } });
    expect(await open()).toBe("api prod");
  });
});

describe("the env", () => {
  test("is named by the flag, by the argument, or by both alike", async () => {
    for (const it of [
      { flags: { env: "prod" } },
      { flags: {}, args: { env: "prod" } },
      { flags: { env: "prod" }, args: { env: "prod" } },
    ])
      expect(await which({ ...it, flags: { ...it.flags, repo: "api" } })).toMatchObject({
        env: "prod",
        isEnvTyped: true,
      });
  });

  test("else is VSYNC_ENV, the file's default, or the only one; if there are several, the error lists them", async () => {
    await know();
    expect((await which({ flags: {} })).env).toBe("prod");
    await know({ env: "dev" });
    const hint = "name the environment with --env=<env>, or set VSYNC_ENV";
    await expect(which({ flags: {} })).rejects.toThrow(input("missing --env: api has dev, prod on this machine", hint));
    write("api/.vsync.json", { repo: "api", defaultEnv: "dev" });
    expect((await which({ flags: {} })).env).toBe("dev");
    vi.stubEnv("VSYNC_ENV", "prod");
    expect((await which({ flags: {} })).env).toBe("prod");
    await expect(which({ flags: {} }, { use: "values", wantsEnv: true })).rejects.toThrow(/^missing --env/);
  });

  test("must be named by a command that writes, if the file or the config protects it", async () => {
    await know();
    write("api/.vsync.json", { repo: "api", defaultEnv: "prod", envs: { prod: { protected: true } } });
    const refused = input(
      "prod is protected, so a command that changes it has to name it",
      "add prod, or --env=prod, to the command",
    );
    await expect(open({ flags: {} }, { use: "write" })).rejects.toThrow(refused);
    expect(await open({ flags: { env: "prod" } }, { use: "write" })).toBe("api prod");
    await know({ env: "dev" });
    await expect(which({ flags: {} })).rejects.toThrow(/^missing --env/);
  });
});

test("a repo that was typed is repeated in hints, one that was found is not", async () => {
  vi.stubEnv("VSYNC_REPO", "shop");
  const found = await which();
  expect([found.repo, vaultArgs(found), vaultFlags(found)]).toEqual(["shop", "prod", "--env=prod"]);
  const typed = await which({ flags: { env: "prod", repo: "acme/web" } });
  expect([vaultArgs(typed), vaultFlags(typed)]).toEqual(["prod --repo=acme/web", "--env=prod --repo=acme/web"]);
});

test("a repo may have an owner, whose slash is not a folder in the config's path", () => {
  expect(configPath({ repo: "acme/api", env: "prod" })).toBe(join(top, "config/vsync/acme%2Fapi/prod.json"));
});

test("the config stores a root's folder, and no secret from git", async () => {
  await know();
  expect(readFileSync(configPath({ repo: "api", env: "prod" }), "utf8")).toContain(`"folder": "${join(top, "api")}"`);
});

const ENV_HINT = "name the environment with --env=<env>";
const REPO_HINT = "name the repository with --repo=<name> or VSYNC_REPO";
test.each([
  [
    { repo: "x" },
    undefined,
    "missing --env: x has no env on this machine",
    `${ENV_HINT}; to set one up, run vsync init`,
  ],
  [{ env: "staging", repo: "x" }, "prod", "--env and the argument name different environments", "give one of them"],
  [
    { repo: "x" },
    "../../etc",
    'the env "../../etc" may only have letters, digits, dots, underscores and dashes',
    ENV_HINT,
  ],
  [{ env: "-x", repo: "x" }, undefined, 'the env "-x" must not start with a dash', ENV_HINT],
  [{ env: "", repo: "x" }, undefined, 'the env "" is empty', ENV_HINT],
  [{ repo: ".." }, "prod", 'the repo ".." leads out of its folder', REPO_HINT],
  [{ repo: "a/b/c" }, "prod", 'the repo "a/b/c" has more than one slash', REPO_HINT],
  [{ repo: "a/" }, "prod", 'the repo "a/" is empty', REPO_HINT],
  [{ repo: "nul" }, "prod", 'the repo "nul" is reserved by Windows', REPO_HINT],
  [
    { repo: "\u001b[31m" },
    "prod",
    'the repo "\\u001b[31m" may only have letters, digits, dots, underscores and dashes',
    REPO_HINT,
  ],
  [{}, "prod", "this folder is in no repository", REPO_HINT],
])("%j and the argument %j are refused", async (flags, env, message, hint) => {
  await expect(which({ flags, args: { env } })).rejects.toThrow(input(message, hint));
});

test("a dotenv file names an env, unless it holds examples or one person's overrides", async () => {
  const folder = enter("api");
  for (const name of [".env", ".env.prod", ".env.dev", ".env.example", ".env.local", ".env.a.b"])
    writeFileSync(join(folder, name), "");
  write("api/below/.env.other", "");
  expect(await listDotenvEnvs(folder)).toEqual(["dev", "prod"]);
  expect(await listDotenvEnvs(join(folder, "missing"))).toEqual([]);
});
