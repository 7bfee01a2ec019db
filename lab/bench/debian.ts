import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * A program of a Debian package, unpacked into a cache and not installed; apt checks its signature. Programs that need
 * nothing but themselves, as those written in Go.
 *
 * @throws Error apt is not here, or has no such package
 */
export async function debianProgram(name: string): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "vsync-test");
  const folder = join(cache, `debian-${name}`);
  if (!existsSync(folder)) await unpackInto(folder, name);
  return join(folder, "usr/bin", name);
}

async function unpackInto(folder: string, name: string): Promise<void> {
  await mkdir(join(folder, ".."), { recursive: true });
  const aside = await mkdtemp(`${folder}.`);
  try {
    await run("apt-get", ["download", name], { cwd: aside });
    const [deb = ""] = await readdir(aside);
    await run("dpkg-deb", ["-x", deb, "."], { cwd: aside });
    await rename(aside, folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
