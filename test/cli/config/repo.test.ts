import { execFileSync } from "node:child_process";
import {
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { repoName } from "../../../src/cli/config/repo.ts";

let top: string;
let warnings: string[];
beforeEach(() => {
  warnings = [];
  top = mkdtempSync(join(realpathSync(tmpdir()), "vsync-repo-"));
});
afterEach(() => rmSync(top, { recursive: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), content);
}

const nameIn = (folder: string, env: Record<string, string> = {}, flag?: string): Promise<string> =>
  repoName({ flag, variables: env, folder: join(top, folder), warn: (text) => void warnings.push(text) });

const input = (message: string) =>
  expect.objectContaining({
    code: "INPUT",
    message: expect.stringContaining(message),
    hint: "name the repository with --repo=<name> or VSYNC_REPO",
  });

test("skips a package.json that is not a file, and names the file of a refused name", async () => {
  mkdirSync(join(top, "shop/.git"), { recursive: true });
  execFileSync("mkfifo", [join(top, "shop/package.json")]);
  expect(await nameIn("shop")).toBe("shop");
  write("evil/package.json", '{"name": "@scope/../../evil"}');
  await expect(nameIn("evil")).rejects.toThrow(
    input(`the repo "../../evil" of ${join(top, "evil/package.json")} may only have letters`),
  );
});

describe("in this order", () => {
  test("flag, variable, package.json, git top level", async () => {
    mkdirSync(join(top, "shop/.git"), { recursive: true });
    expect(await nameIn("shop")).toBe("shop");
    write("shop/package.json", '{"name": "@scope/web.shop"}');
    expect(await nameIn("shop")).toBe("web.shop");
    expect(await nameIn("shop", { VSYNC_REPO: "" })).toBe("web.shop");
    expect(await nameIn("shop", { VSYNC_REPO: "named" })).toBe("named");
    expect(await nameIn("shop", { VSYNC_REPO: "named" }, "flagged")).toBe("flagged");
  });

  test("the nearest package.json that has a name, within the working tree", async () => {
    write("package.json", '{"name": "outside"}');
    mkdirSync(join(top, "shop/.git"), { recursive: true });
    write("shop/packages/api/src/package.json", '{"type": "module"}');
    write("shop/packages/api/package.json", '\ufeff{"name": "api"}');
    expect(await nameIn("shop/packages/api/src")).toBe("api");
    expect(await nameIn("shop/packages")).toBe("shop");
    write("shop/package.json", '{"name": "shop-root"}');
    expect(await nameIn("shop/packages")).toBe("shop-root");
  });

  test("a worktree or submodule has a file .git", async () => {
    write("tree/.git", "gitdir: elsewhere");
    mkdirSync(join(top, "tree/below"));
    expect(await nameIn("tree/below")).toBe("tree");
  });

  test("outside git, only the folder's own package.json", async () => {
    write("package.json", '{"name": "outside"}');
    write("app/package.json", '{"name": "app"}');
    mkdirSync(join(top, "app/below"));
    expect(await nameIn("app")).toBe("app");
    await expect(nameIn("app/below")).rejects.toThrow(input("this folder is in no repository"));
  });
});

describe.skipIf(process.geteuid?.() !== 0)("another user's files do not name the repository", () => {
  const EVE = 4321;
  const giveToEve = (path: string) => chownSync(join(top, path), EVE, EVE);
  const passedOver = (path: string) =>
    `${join(top, path)} belongs to another user (uid ${EVE}) and does not count: name the repository with --repo=<name> or VSYNC_REPO`;

  beforeEach(() => {
    write("up/package.json", '{"name": "chosen-by-eve"}');
    mkdirSync(join(top, "up/.git"));
    mkdirSync(join(top, "up/here"));
  });

  test("a .git in a folder above", async () => {
    giveToEve("up/.git");
    await expect(nameIn("up/here")).rejects.toThrow(input("this folder is in no repository"));
    expect(warnings).toEqual([passedOver("up/.git")]);
  });

  test("a package.json, though the git folder is the user's own", async () => {
    giveToEve("up/package.json");
    expect(await nameIn("up/here")).toBe("up");
    expect(warnings).toEqual([passedOver("up/package.json")]);
  });

  test("a folder: its owner can exchange everything in it", async () => {
    giveToEve("up");
    await expect(nameIn("up/here")).rejects.toThrow(input("this folder is in no repository"));
    expect(warnings).toEqual([passedOver("up")]);
  });

  test("a link of theirs to a file of the user", async () => {
    write("own.json", '{"name": "own"}');
    rmSync(join(top, "up/package.json"));
    symlinkSync(join(top, "own.json"), join(top, "up/package.json"));
    lchownSync(join(top, "up/package.json"), EVE, EVE);
    expect(await nameIn("up/here")).toBe("up");
    expect(warnings).toEqual([passedOver("up/package.json")]);
  });

  test("a file without a repository's name is not mentioned", async () => {
    rmSync(join(top, "up/.git"), { recursive: true });
    rmSync(join(top, "up/package.json"));
    giveToEve("up");
    await expect(nameIn("up/here")).rejects.toThrow(input("this folder is in no repository"));
    expect(warnings).toEqual([]);
  });

  test("sudo leaves the user's own repository theirs", async () => {
    giveToEve("up");
    giveToEve("up/.git");
    giveToEve("up/package.json");
    expect(await nameIn("up/here", { SUDO_UID: String(EVE) })).toBe("chosen-by-eve");
  });
});

describe("refused", () => {
  test.each(["a/b", "..", ".", "-rf", "a b", "\u001b[31m", "ä"])(
    "the name %j, wherever it comes from",
    async (name) => {
      mkdirSync(join(top, "x"), { recursive: true });
      await expect(nameIn("x", {}, name)).rejects.toThrow(input("the repo "));
      await expect(nameIn("x", { VSYNC_REPO: name })).rejects.toThrow(input("the repo "));
    },
  );

  test("an empty flag", async () => {
    await expect(nameIn(".", {}, "")).rejects.toThrow(input('the repo "" is empty'));
  });

  test("a top level folder that cannot be a name", async () => {
    mkdirSync(join(top, "my repo/.git"), { recursive: true });
    await expect(nameIn("my repo")).rejects.toThrow(input("may only have letters, digits"));
  });

  test("a package.json that is not JSON", async () => {
    write("package.json", "{name: 'x'}");
    await expect(nameIn(".")).rejects.toThrow(input(`${join(top, "package.json")}: it is not JSON`));
  });

  test.each(["null", "[]", '"text"', '{"name": 7}', '{"name": ""}'])("no name in %s", async (content) => {
    write("package.json", content);
    await expect(nameIn(".")).rejects.toThrow(input("this folder is in no repository"));
  });
});
