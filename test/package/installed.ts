import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "../..");
const CACHE = join(ROOT, ".cache");

/** Packs the npm package of this repository into a folder, as a release does. Resolves with the tarball's path. */
export async function packInto(folder: string): Promise<string> {
  const script = join(ROOT, "scripts/pack.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [script, `--out=${folder}`]);
  return stdout.trimEnd();
}

let installed: Promise<string> | undefined;

/**
 * A folder after `npm install vsync`: the packed package in `node_modules`, with its dependencies from the registry and
 * without anything else of this repository. Tests share one folder per content of the package, so do not write to it.
 */
export function installedPackage(): Promise<string> {
  installed ??= install();
  return installed;
}

async function install(): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const aside = await mkdtemp(join(CACHE, "install-"));
  try {
    const tarball = await packInto(aside);
    const digest = createHash("sha256").update(await readFile(tarball));
    const folder = join(CACHE, `installed-${digest.digest("hex").slice(0, 16)}`);
    if (!existsSync(folder)) await installAside(aside, tarball, folder);
    return folder;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function installAside(aside: string, tarball: string, folder: string): Promise<void> {
  await writeFile(join(aside, "package.json"), "{}\n");
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", tarball];
  await promisify(execFile)("npm", args, { cwd: aside });
  for (const it of await readdir(CACHE)) {
    if (it.startsWith("installed-") && it !== basename(folder))
      await rm(join(CACHE, it), { recursive: true, force: true });
  }
  try {
    await rename(aside, folder);
  } catch (error) {
    // Another process may have created it first.
    if (!existsSync(folder)) throw error;
  }
}
