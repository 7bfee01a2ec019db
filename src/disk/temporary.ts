import { createHash, randomBytes } from "node:crypto";
import { readdir, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemProcesses } from "./process-table.ts";

const SUFFIX = /^\.([0-9a-f]{16})\.([0-9]{1,10})\.([0-9]{1,20})\.[0-9a-f]{8}\.tmp$/;
/** The age at which a file counts as abandoned, if its process cannot be checked. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

const processes = systemProcesses();

/**
 * A new name for a temporary file beside `path`. The name says which process makes the file. First removes the temporary
 * files for `path` whose process was killed: they may hold secrets in the clear.
 */
export async function temporaryFor(path: string): Promise<string> {
  const { place, pid, start } = await processes.self();
  const folder = dirname(path);
  const stem = stemOf(basename(path));
  // Some folders may be written to but not listed.
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`${stem}.`)) continue;
    const leftover = join(folder, name);
    if (await isAbandoned(leftover, name.slice(stem.length))) await unlink(leftover).catch(() => undefined);
  }
  return join(folder, `${stem}.${place}.${pid}.${start}.${randomBytes(4).toString("hex")}.tmp`);
}

/** File systems take names of 255 bytes, and the suffix needs up to 62. */
function stemOf(name: string): string {
  return Buffer.byteLength(name) <= 190 ? name : createHash("sha256").update(name).digest("hex");
}

async function isAbandoned(path: string, suffix: string): Promise<boolean> {
  const [, place, pid, start] = SUFFIX.exec(suffix) ?? [];
  if (place === undefined || start === undefined) return false;
  const status = await processes.status({ place, pid: Number(pid), start });
  if (status !== "unknown") return status === "dead";
  const stats = await stat(path).catch(() => null);
  return stats !== null && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS;
}
