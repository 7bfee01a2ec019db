import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

/** npm waits without a limit for a registry that does not respond. */
const FETCH_LIMIT_MS = 5 * 60_000;

/** A platform as npm names it, to fetch packages for a machine other than this one. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
  readonly libc?: string;
}

/**
 * The folder with the packages of the lockfile in `described`. The first call on a machine fetches them with npm into a
 * cache. The folder is filled aside and then renamed, so it is always complete.
 *
 * @throws Error npm could not fetch them
 */
export async function fetchPackages(described: string, platform?: Platform): Promise<string> {
  const lockfile = await readFile(join(described, "package-lock.json"));
  const digest = createHash("sha256").update(lockfile).digest("hex").slice(0, 16);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const name = [basename(described), ...platformWords(platform), digest].join("-");
  const folder = join(cache, "vsync-packages", name);
  if (!existsSync(folder)) await fetchInto(folder, described, platform);
  return folder;
}

async function fetchInto(folder: string, described: string, platform: Platform | undefined): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const aside = await mkdtemp(`${folder}.`);
  try {
    for (const file of ["package.json", "package-lock.json"]) await copyFile(join(described, file), join(aside, file));
    const foreign = Object.entries(platform ?? {}).map(([name, value]) => `--${name}=${value}`);
    await promisify(execFile)("npm", ["ci", "--ignore-scripts", "--no-bin-links", ...foreign], {
      cwd: aside,
      timeout: FETCH_LIMIT_MS,
    });
    await rename(aside, folder);
  } catch (error) {
    // Another process may have created it first.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

function platformWords(platform: Platform | undefined): string[] {
  return platform === undefined ? [] : [platform.os, platform.cpu, platform.libc].filter((word) => word !== undefined);
}
