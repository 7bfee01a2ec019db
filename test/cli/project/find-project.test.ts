/** @module-tag process */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findProject } from "../../../src/cli/project/find-project.ts";
import { proposedRepo } from "../../../src/cli/project/names.ts";
import { rows } from "../rows.ts";

let top: string;
let warnings: string[];
beforeEach(() => {
  warnings = [];
  top = mkdtempSync(join(realpathSync(tmpdir()), "vsync-project-"));
  vi.stubEnv("HOME", join(top, "home"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(top, { recursive: true });
});

function write(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), content);
  chmodSync(join(top, path), mode);
}

const find = (folder: string, variables: Record<string, string> = {}) =>
  findProject({ variables, folder: join(top, folder), warn: (text) => void warnings.push(text) });

async function nameIn(folder: string, variables: Record<string, string> = {}): Promise<string | null> {
  const project = await find(folder, variables);
  return project.file?.content.repo ?? proposedRepo(project)?.name ?? null;
}

const input = (message: string) =>
  expect.objectContaining({ code: "INPUT", message: expect.stringContaining(message) });

const git = (folder: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@x", ...args], {
    cwd: join(top, folder),
    stdio: "ignore",
  });

function clone(folder: string, remote?: string): void {
  mkdirSync(join(top, folder), { recursive: true });
  git(folder, "init", "-q");
  git(folder, "commit", "-q", "--allow-empty", "-m", "x");
  if (remote !== undefined) git(folder, "remote", "add", "origin", remote);
}

describe("the name that init proposes", () => {
  test.each(rows`
    https://github.com/Acme/API.git              │ acme/api
    git@github.com:acme/api.git                  │ acme/api
    ssh://git@host.example:2222/acme/api/        │ acme/api
    https://ann:token@gitlab.example/acme/api    │ acme/api
    /srv/git/api.git                             │ shop
    ../api                                       │ shop
  `)("of the remote %s is %s", async (remote, name) => {
    clone("shop", remote);
    expect(await nameIn("shop")).toBe(name);
  });

  test("comes from the nearest package.json with a name, with its scope, within the working tree", async () => {
    write("package.json", '{"name": "outside"}');
    clone("shop", "https://github.com/acme/mono");
    write("shop/packages/api/src/package.json", '{"type": "module"}');
    write("shop/packages/api/package.json", '\ufeff{"name": "@acme/api"}');
    expect(await nameIn("shop/packages/api/src")).toBe("acme/api");
    expect(await nameIn("shop/packages")).toBe("acme/mono");
  });

  test("outside git comes only from the folder's own package.json; the search ends below the home folder", async () => {
    write("package.json", '{"name": "outside"}');
    write("app/package.json", '{"name": "app"}');
    write("home/.vsync.json", '{"repo": "everything"}');
    mkdirSync(join(top, "app/below"));
    mkdirSync(join(top, "home/work"));
    expect([await nameIn("app"), await nameIn("app/below"), await nameIn("home/work")]).toEqual(["app", null, null]);
  });

  test.each(rows`
    {"name": "@scope/../../evil"} │ has more than one slash
    {"name": "-rf"}               │ must not start with a dash
    {"name": "con"}               │ is reserved by Windows
    {name: 'x'}                   │ it is not JSON
  `)("is refused in %s: it %s", async (content, fault) => {
    write("x/package.json", content);
    await expect(nameIn("x")).rejects.toThrow(input(fault));
  });

  test("needs the user's choice if the remote is in a subgroup", async () => {
    clone("shop", "https://gitlab.example/acme/team/api");
    await expect(nameIn("shop")).rejects.toThrow(input("has more than one slash"));
  });
});

describe("a project's root", () => {
  test("is the clone for all its worktrees, which share one place in it", async () => {
    clone("shop", "https://github.com/acme/shop");
    git("shop", "worktree", "add", "-q", "../shop-feature");
    mkdirSync(join(top, "shop-feature/packages/web"), { recursive: true });
    write("shop-feature/packages/web/package.json", '{"name": "web"}');
    const shared = { git: join(top, "shop/.git"), remote: "github.com/acme/shop" };
    expect((await find("shop")).root).toEqual({ folder: join(top, "shop"), within: "", ...shared });
    expect((await find("shop-feature")).root).toEqual({ folder: join(top, "shop-feature"), within: "", ...shared });
    expect((await find("shop-feature/packages/web")).root).toMatchObject({ within: "packages/web", ...shared });
  });

  test("never belongs to another clone that a .git file or link of the checkout names", async () => {
    clone("billing");
    write("eve/.git", `gitdir: ${join(top, "billing/.git")}`);
    mkdirSync(join(top, "mallory"));
    symlinkSync(join(top, "billing/.git"), join(top, "mallory/.git"));
    expect((await find("eve")).root).toEqual({ folder: join(top, "eve") });
    expect((await find("mallory")).root).toEqual({ folder: join(top, "mallory") });
  });

  test("is a submodule's own", async () => {
    clone("lib");
    clone("shop");
    git("shop", "-c", "protocol.file.allow=always", "submodule", "add", "-q", join(top, "lib"), "vendor/lib");
    expect((await find("shop/vendor/lib")).root).toMatchObject({ git: join(top, "shop/.git/modules/vendor/lib") });
  });
});

describe("the project file", () => {
  test("is the nearest, up to the first folder with .git", async () => {
    write("mono/.vsync.json", '{"repo": "acme/mono"}');
    mkdirSync(join(top, "mono/.git"));
    write("mono/packages/api/.vsync.json", '{"repo": "acme/api"}');
    mkdirSync(join(top, "mono/packages/api/deep"));
    mkdirSync(join(top, "mono/packages/lib/.git"), { recursive: true });
    expect(await nameIn("mono/packages/api/deep")).toBe("acme/api");
    expect(await nameIn("mono/packages")).toBe("acme/mono");
    expect((await find("mono/packages/lib")).file).toBeNull();
  });

  test("is the file that VSYNC_PROJECT names in any folder, and then others may own it", async () => {
    write("else/.vsync.json", '{"repo": "acme/else"}', 0o666);
    mkdirSync(join(top, "here"));
    const project = await find("here", { VSYNC_PROJECT: "../else/.vsync.json" });
    expect([project.file?.content.repo, project.root.folder, warnings]).toEqual(["acme/else", join(top, "else"), []]);
  });

  test.each(rows`
    {                                                  │ is not JSON: line 1, column 2
    {}                                                 │ repo is missing
    {"repo": "a/b/c"}                                  │ repo has more than one slash
    {"repo": "api", "command": "x"}                    │ command is not a field that this vsync knows
    {"repo": "api", "envs": {"prod": {"key": "x"}}}    │ envs.prod.key is not a field that this vsync knows
    {"repo": "api", "envs": {"prod": {"protected": false}}} │ envs.prod.protected can only be true
    {"repo": "api", "envs": {"prod": {"vault": "x"}}}  │ envs.prod.vault must be a vault's id
    {"repo": "api", "envs": {"../x": {}}}              │ may only have letters
    {"repo": "api", "endpoint": "http://s3.evil.com"}  │ endpoint must start with https://
    {"repo": "api", "endpoint": "file:///srv"}         │ endpoint must start with https://
    {"repo": "api", "endpoint": "https://u:p@x.com"}   │ endpoint must not carry a user or password
    {"repo": "api", "endpoint": "https://x.com?a=b"}   │ endpoint must not have a query
    {"repo": "api", "bucket": "Acme"}                  │ bucket must be 3 to 63 lower-case letters
    {"repo": "api", "bucket": "10.0.0.1"}              │ bucket is a name that S3 reserves
    {"repo": "api", "bucket": "xn--acme"}              │ bucket is a name that S3 reserves
    {"repo": "api", "region": "eu_1"}                  │ region must be a region's name
    {"repo": "api", "prefix": "../"}                   │ prefix must not have a segment ..
    {"repo": "api", "repo": "evil"}                    │ names a field twice
  `)("%s: %s", async (content, fault) => {
    write("x/.vsync.json", content);
    await expect(find("x")).rejects.toThrow(input(fault));
  });

  test("is not a link, named pipe or large file", async () => {
    write("own.json", '{"repo": "own"}');
    for (const folder of ["link", "pipe", "large"]) mkdirSync(join(top, folder));
    symlinkSync(join(top, "own.json"), join(top, "link/.vsync.json"));
    execFileSync("mkfifo", ["-m", "600", join(top, "pipe/.vsync.json")]);
    write("large/.vsync.json", `{"repo": "own"}${" ".repeat(65_536)}`);
    for (const folder of ["link", "pipe", "large"]) {
      await expect(find(folder)).rejects.toThrow(input("is not a regular file of at most 64 KiB"));
    }
  });

  test("is ignored with a warning if others may write it", async () => {
    write("x/.vsync.json", '{"repo": "evil"}', 0o666);
    expect(await nameIn("x")).toBeNull();
    expect(warnings).toEqual([
      `${join(top, "x/.vsync.json")} can be changed by other users (mode 0666) and is ignored: name it with VSYNC_PROJECT=<path>, or name the repository with --repo=<name> or VSYNC_REPO`,
    ]);
  });
});

describe.skipIf(process.geteuid?.() !== 0)("another user's files are ignored", () => {
  const EVE = 4321;
  const giveToEve = (path: string) => chownSync(join(top, path), EVE, EVE);

  beforeEach(() => {
    write("up/package.json", '{"name": "chosen-by-eve"}');
    write("up/.vsync.json", '{"repo": "eve/file"}');
    mkdirSync(join(top, "up/.git"));
    mkdirSync(join(top, "up/here"));
  });

  test.each(rows`
    .git package.json .vsync.json │ null          │ three files in a folder above
    .vsync.json                   │ chosen-by-eve │ a project file alone
    package.json .vsync.json      │ up            │ both, though the git folder is the user's own
    .                             │ null          │ a folder: its owner can exchange everything in it
  `)("%s: %s (%s)", async (paths, name) => {
    const given = paths.split(" ");
    for (const path of given) giveToEve(join("up", path));
    expect(String(await nameIn("up/here"))).toBe(name);
    const spoken = given.filter((path) => path === "." || warnings.some((it) => it.startsWith(join(top, "up", path))));
    expect(spoken).toEqual(given);
  });

  test("so is their link to a file of the user's", async () => {
    rmSync(join(top, "up/.vsync.json"));
    renameSync(join(top, "up/package.json"), join(top, "own.json"));
    symlinkSync(join(top, "own.json"), join(top, "up/package.json"));
    lchownSync(join(top, "up/package.json"), EVE, EVE);
    expect(await nameIn("up/here")).toBe("up");
  });

  test("but under sudo, the caller's own repository counts", async () => {
    for (const path of [".", ".git", "package.json", ".vsync.json"]) giveToEve(join("up", path));
    expect(await nameIn("up/here", { SUDO_UID: String(EVE) })).toBe("eve/file");
  });
});
