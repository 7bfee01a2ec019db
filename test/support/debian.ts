import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const DOWNLOAD_LIMIT_MS = 2 * 60_000;

/** Like `debianPackage`, for a self-contained program with the name of its package, such as one written in Go. */
export async function debianProgram(name: string): Promise<string> {
  return join(await debianPackage(name), "usr/bin", name);
}

/**
 * The folder of a Debian package, unpacked into a cache without installing it; apt checks the signature.
 *
 * @throws Error apt is missing or does not have the package
 */
export async function debianPackage(name: string): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "vsync-test");
  const folder = join(cache, `debian-${name}`);
  if (!existsSync(folder)) await unpackInto(folder, name);
  return folder;
}

async function unpackInto(folder: string, name: string): Promise<void> {
  await mkdir(join(folder, ".."), { recursive: true });
  const aside = await mkdtemp(`${folder}.`);
  try {
    await run("apt-get", ["download", name], { cwd: aside, timeout: DOWNLOAD_LIMIT_MS });
    const [deb = ""] = await readdir(aside);
    await run("dpkg-deb", ["-x", deb, "."], { cwd: aside });
    await rename(aside, folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
