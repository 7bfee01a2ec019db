import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import { installedPackage, packInto } from "./installed.ts";

const run = promisify(execFile);
const CHECKS = join(import.meta.dirname, "../support/package-checks");
const FETCH_LIMIT_MS = 10 * 60_000;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "vsync-pack-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Packed once for the tests that only read it. */
let tarball: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "vsync-pack-"));
  tarball = await packInto(folder);
  return () => rm(folder, { recursive: true, force: true });
});

describe("the package's tarball", () => {
  test("has the same bytes when it is packed twice", async () => {
    const again = await packInto(await temporaryFolder());
    expect((await readFile(again)).equals(await readFile(tarball))).toBe(true);
  });

  test("contains the program and its pages, and nothing else", async () => {
    const { stdout } = await run("tar", ["-tzf", tarball]);
    const names = stdout.trimEnd().split("\n");
    const places = new Set(names.map((name) => name.replace(/^(package\/(?:dist|docs))\/.*$/, "$1")));
    expect([...places].toSorted()).toEqual([
      "package/LICENSE",
      "package/README.md",
      "package/bin/compile-cache.js",
      "package/bin/node-version.js",
      "package/bin/package.json",
      "package/bin/run.js",
      "package/dist",
      "package/docs",
      "package/npm-shrinkwrap.json",
      "package/oclif.manifest.json",
      "package/package.json",
      "package/project.schema.json",
      "package/settings.schema.json",
    ]);
    expect(names.filter((name) => !/\.(c?js|d\.ts|md|json|1)$|LICENSE$|LICENSES\.txt$/.test(name))).toEqual([]);
    expect(names).toContain("package/dist/runtime/index.d.ts");
    expect(names).toContain("package/docs/format.md");
  });

  test("says nothing about the folder that it was built in", async () => {
    const { stdout } = await run("tar", ["-xOzf", tarball], { maxBuffer: 64 * 1024 * 1024 });
    expect(stdout).toContain("MANIFEST_NOT_FOUND");
    expect(stdout).not.toContain(join(".cache", "dist-"));
  });

  test("declares the dependencies that no bundle contains, and nothing for development", async () => {
    const repository = JSON.parse(await readFile(join(CHECKS, "../../../package.json"), "utf8")) as object;
    const { stdout } = await run("tar", ["-xOzf", tarball, "package/package.json"]);
    const { devDependencies, optionalDependencies, scripts, ...published } = repository as Record<string, object>;
    expect([devDependencies, optionalDependencies, scripts].every((it) => Object.keys(it ?? {}).length > 0)).toBe(true);
    const { argon2 } = published["dependencies"] as { argon2: string };
    expect(JSON.parse(stdout)).toEqual({ ...published, dependencies: { argon2 } });
  });

  test("names its repository in a release, for npm's provenance", async () => {
    const folder = await temporaryFolder();
    const url = "git+https://example.org/acme/vsync.git";
    const script = join(CHECKS, "../../../scripts/pack.mjs");
    const packed = await run(process.execPath, [script, `--out=${folder}`, `--repository=${url}`]);
    const { stdout } = await run("tar", ["-xOzf", packed.stdout.trimEnd(), "package/package.json"]);
    expect(JSON.parse(stdout)).toMatchObject({ repository: { type: "git", url } });
  });
});

describe("the package through other tools", { timeout: FETCH_LIMIT_MS }, () => {
  let packages: string;
  beforeAll(async () => {
    packages = await fetchPackages(CHECKS);
  }, FETCH_LIMIT_MS);

  const load = async <T>(name: string): Promise<T> => {
    const entry = createRequire(join(packages, "package.json")).resolve(name);
    return (await import(pathToFileURL(entry).href)) as T;
  };

  test("publint has no complaints", async () => {
    const { publint } = await load<{
      publint(options: object): Promise<{ messages: { code: string; type: string }[] }>;
    }>("publint");
    const pkgDir = join(await installedPackage(), "node_modules/vsync");
    const { messages } = await publint({ pkgDir, pack: false, strict: true });
    expect(messages).toEqual([]);
  });

  test("its types resolve for every user of an ES module (attw, profile esm-only: decision 0019)", async () => {
    interface Problem {
      readonly kind: string;
      readonly resolutionKind?: string;
    }
    interface Attw {
      createPackageFromTarballData(tarball: Uint8Array): object;
      checkPackage(pkg: object): Promise<{ types: unknown; entrypoints: object; problems: Problem[] }>;
    }
    const attw = await load<Attw>("@arethetypeswrong/core");
    const pkg = attw.createPackageFromTarballData(new Uint8Array(await readFile(tarball)));
    const { types, entrypoints, problems } = await attw.checkPackage(pkg);
    expect(types).toEqual({ kind: "included" });
    const { exports } = JSON.parse(await readFile(join(CHECKS, "../../../package.json"), "utf8")) as {
      exports: object;
    };
    expect(Object.keys(entrypoints)).toEqual(Object.keys(exports));
    const notEsmOnly = ({ resolutionKind = "" }: Problem) => !["node10", "node16-cjs"].includes(resolutionKind);
    expect(problems.filter(notEsmOnly)).toEqual([]);
    expect(new Set(problems.map(({ kind }) => kind))).toEqual(new Set(["NoResolution", "CJSResolvesToESM"]));
  });
});
