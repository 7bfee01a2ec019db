import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { fetchPackages } from "../../scripts/fetched-packages.ts";

const ROOT = join(import.meta.dirname, "../..");
const CACHE = join(ROOT, ".cache");
const CHECKS = join(import.meta.dirname, "../support/package-checks");
const run = promisify(execFile);

/** Packs the npm package of this repository into a folder, as a release does. Resolves with the tarball's path. */
export async function packInto(folder: string): Promise<string> {
  const { stdout } = await run(process.execPath, [join(ROOT, "scripts/pack.mjs"), `--out=${folder}`]);
  return stdout.trimEnd();
}

/** Each installs a tarball as `vsync` into a folder, with its dependencies from the registry and without any scripts. */
const MANAGERS = {
  npm: async (folder: string, tarball: string) => {
    await using registry = await serve(tarball);
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    await run("npm", [...args, `--@local:registry=${registry.url}`, "vsync@npm:@local/vsync"], { cwd: folder });
  },
  pnpm: async (folder: string, tarball: string) => {
    const program = join(await fetchPackages(CHECKS), "node_modules/pnpm/bin/pnpm.cjs");
    await run(process.execPath, [program, "add", "--ignore-scripts", "--prefer-offline", tarball], { cwd: folder });
  },
  yarn: (folder: string, tarball: string) => byYarn(folder, tarball, { nodeLinker: "node-modules" }),
  /** Yarn without node_modules: packages stay in their archives, from which `.pnp.cjs` loads them. */
  PnP: (folder: string, tarball: string) => byYarn(folder, tarball, { nodeLinker: "pnp", enableGlobalCache: false }),
};
export type Manager = keyof typeof MANAGERS;

export async function yarnProgram(): Promise<string> {
  return join(await fetchPackages(CHECKS), "node_modules/@yarnpkg/cli-dist/bin/yarn.js");
}

async function byYarn(folder: string, tarball: string, linker: object): Promise<void> {
  const { stdout } = await run("npm", ["config", "get", "registry"]);
  const settings = { ...linker, enableScripts: false, enableTelemetry: false, httpRetry: 10 };
  const text = JSON.stringify({ ...settings, npmRegistryServer: stdout.trim() });
  await writeFile(join(folder, ".yarnrc.yml"), text);
  await writeFile(join(folder, "yarn.lock"), "");
  const program = await yarnProgram();
  await patiently(() => run(process.execPath, [program, "add", `vsync@file:${tarball}`], { cwd: folder }));
}

/** Three tries, because the registry does not always answer; the error has what the program said, which yarn says on stdout. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 3) throw new Error((error as { stdout?: string }).stdout, { cause: error });
    }
  }
}

/** A registry that holds the tarball as `@local/vsync`. npm reads `npm-shrinkwrap.json` only if a registry declares it. */
async function serve(tarball: string): Promise<AsyncDisposable & { readonly url: string }> {
  const bytes = await readFile(tarball);
  const manifest = JSON.parse((await run("tar", ["-xOzf", tarball, "package/package.json"])).stdout);
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const server = createServer((request, response) => {
    if (request.url?.endsWith(".tgz")) return void response.end(bytes);
    const dist = { tarball: `${url}vsync.tgz`, integrity };
    const version = { ...manifest, name: "@local/vsync", _hasShrinkwrap: true, dist };
    const { version: latest } = manifest;
    response.end(JSON.stringify({ name: "@local/vsync", "dist-tags": { latest }, versions: { [latest]: version } }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, [Symbol.asyncDispose]: async () => void server.close() };
}

const installed = new Map<Manager, Promise<string>>();

/**
 * A folder after `npm install vsync`: the packed package in `node_modules`, with its dependencies from the registry and
 * without anything else of this repository. Tests share one folder per content of the package, so do not write to it.
 */
export function installedPackage(manager: Manager = "npm"): Promise<string> {
  const known = installed.get(manager) ?? install(manager);
  installed.set(manager, known);
  return known;
}

async function install(manager: Manager): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const aside = await mkdtemp(join(CACHE, "install-"));
  try {
    const tarball = await packInto(aside);
    const digest = createHash("sha256").update(await readFile(tarball));
    const folder = join(CACHE, `installed-${manager}-${digest.digest("hex").slice(0, 16)}`);
    if (!existsSync(folder)) await installAside(manager, aside, tarball, folder);
    return folder;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function installAside(manager: Manager, aside: string, tarball: string, folder: string): Promise<void> {
  await writeFile(join(aside, "package.json"), "{}\n");
  await MANAGERS[manager](aside, tarball);
  for (const it of await readdir(CACHE)) {
    if (it.startsWith(`installed-${manager}-`) && it !== basename(folder))
      await rm(join(CACHE, it), { recursive: true, force: true });
  }
  try {
    await rename(aside, folder);
  } catch (error) {
    // Another process may have created it first.
    if (!existsSync(folder)) throw error;
  }
}
