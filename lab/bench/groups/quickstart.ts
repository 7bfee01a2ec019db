import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { QUICKSTART } from "../labels.ts";
import type { Row } from "../results.ts";
import { seriesOf } from "../series.ts";
import type { World } from "../world.ts";

const ROOT = join(import.meta.dirname, "../../..");
const RUNS = 3;
const run = promisify(execFile);

/** `npm ci && npm run quickstart` in a clone, as a newcomer types it. npm's cache has the packages. */
export async function measureQuickstart({ launcher, scratch }: World): Promise<readonly Row[]> {
  const times: number[] = [];
  for (let at = 0; at <= RUNS; at++) {
    const clone = join(scratch, `clone-${at}`);
    await mkdir(clone);
    const { stdout } = await run("git", ["ls-files", "-z"], { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 });
    for (const file of stdout.split("\0").filter(Boolean)) await cp(join(ROOT, file), join(clone, file));
    const command = "npm ci --prefer-offline --no-audit --no-fund && npm run --silent quickstart";
    const env = Object.fromEntries(
      Object.entries(process.env).flatMap(([name, it]) => (it === undefined ? [] : [[name, it]])),
    );
    const { wallMs } = await launcher.run({ argv: ["/bin/sh", "-c", command], env, cwd: clone });
    if (at > 0) times.push(wallMs);
  }
  return [{ group: QUICKSTART, name: "npm ci && npm run quickstart", program: "npm", wallMs: seriesOf(times) }];
}
