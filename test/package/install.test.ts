import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { EXTERNAL } from "../../scripts/bundle/external.ts";
import { bytesOf, productionTree } from "../../scripts/supply-chain/dependencies.ts";
import { directoryVault, environmentOf, ITEMS } from "../runtime/fixture.ts";
import { FETCH_LIMIT_MS, runIn } from "./app.ts";
import { installedPackage, type Manager, packInto, yarnProgram } from "./installed.ts";

const ROOT = join(import.meta.dirname, "../..");
const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const MOST_PACKAGES = 40;
const MOST_BYTES = 25_000_000;
const LOCKED = readJson(join(ROOT, "package-lock.json")).packages;

describe("installed with scripts disabled", { timeout: FETCH_LIMIT_MS }, () => {
  const SOURCE = `import { Vsync } from "vsync"; console.log((await Vsync.open()).require("API_KEY"));`;

  async function boots(manager: Manager, ...flags: readonly string[]): Promise<void> {
    const command = [process.execPath, ...flags, "--input-type=module", "--eval", SOURCE];
    const ended = await runIn(await installedPackage(manager), environmentOf(await directoryVault()), command);
    expect(ended).toEqual({ stdout: `${ITEMS[1].data}\n`, stderr: "", status: 0 });
  }

  test.each(["npm", "pnpm", "yarn"] as const)("by %s, an app boots and the program starts", async (manager) => {
    await boots(manager);
    const cwd = await installedPackage(manager);
    const program = execFileSync(process.execPath, ["node_modules/vsync/bin/run.js", "--version"], { cwd });
    expect(program.toString()).toMatch(/^vsync\/\d/);
  });

  test("by Yarn's Plug'n'Play, an app boots, and the program makes a vault and reads it", async () => {
    await boots("PnP", "--no-warnings", "--require=./.pnp.cjs", "--experimental-loader=./.pnp.loader.mjs");
    const cwd = await installedPackage("PnP");
    const home = mkdtempSync(join(tmpdir(), "vsync-pnp-"));
    onTestFinished(() => rmSync(home, { recursive: true }));
    const yarn = await yarnProgram();
    const env = { ...process.env, HOME: home, VSYNC_REPO: "api", VSYNC_PASSPHRASE: "correct horse battery staple" };
    const vsync = (line: string, input = "") =>
      execFileSync(process.execPath, [yarn, "run", "vsync", ...line.split(" ")], { cwd, env, input, stdio: "pipe" });
    vsync("init --env=dev --local");
    vsync("push dev --from=- --yes", "A=one\n");
    expect(vsync("get dev A").toString()).toBe("one\n");
  });

  test("by npm, its dependencies have the versions and digests of the lockfile", async () => {
    const folder = await installedPackage("npm");
    const { packages } = readJson(join(folder, "node_modules/.package-lock.json"));
    const seen = Object.keys(packages).filter((path) => path !== "node_modules/vsync");
    // npm puts what npm-shrinkwrap.json names inside the package, and everything else beside it.
    expect(seen.filter((path) => !path.startsWith("node_modules/vsync/"))).toEqual([]);
    for (const path of seen) {
      const { version, integrity } = LOCKED[path.replace("node_modules/vsync/", "")];
      expect(packages[path], path).toMatchObject({ version, integrity });
    }
    expect(seen.length).toBeGreaterThan(5);
  });

  test("by npm, it is at most 40 packages and 25 MB", async () => {
    const { packages } = readJson(join(await installedPackage("npm"), "node_modules/.package-lock.json"));
    expect(Object.keys(packages).length).toBeLessThanOrEqual(MOST_PACKAGES);
    const installed = relative(ROOT, join(await installedPackage("npm"), "node_modules/vsync"));
    const folders = Object.keys(packages).map((path) => path.replace("node_modules/vsync", installed));
    expect(folders.reduce((sum, folder) => sum + bytesOf(folder), 0)).toBeLessThanOrEqual(MOST_BYTES);
  });
});

test("npm-shrinkwrap.json holds the lockfile's entry of each package outside the bundles, and no other", async () => {
  const folder = join(ROOT, ".cache/package");
  const tarball = await packInto(folder);
  expect(existsSync(tarball)).toBe(true);
  const { packages, lockfileVersion } = JSON.parse(
    execFileSync("tar", ["-xOzf", tarball, "package/npm-shrinkwrap.json"], { encoding: "utf8" }),
  );
  const { "": own, ...rest } = packages;
  const expected = [...productionTree(EXTERNAL).keys()].map((path) => [path, LOCKED[path]]);
  expect(lockfileVersion).toBe(3);
  expect(rest).toEqual(Object.fromEntries(expected));
  expect(Object.keys(own.dependencies)).toEqual(EXTERNAL);
});
