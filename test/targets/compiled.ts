import { mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { compile } from "../../scripts/bun/compile.ts";
import { fetchTarget, ownTarget, programName } from "../../scripts/bun/targets.ts";

export const ROOT = join(import.meta.dirname, "../..");
/** The first time on a machine, bun for both targets is fetched. */
export const COMPILE_LIMIT_MS = 10 * 60_000;

/** A program for a target, out of dist/, in a folder that goes with it. */
export async function compileFor(target: string): Promise<AsyncDisposable & { program: string; folder: string }> {
  await mkdir(join(ROOT, ".cache"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".cache/target-"));
  const program = join(folder, programName(target));
  const { bun } = await fetchTarget(ownTarget());
  compile({ bun, target: await fetchTarget(target), program });
  return { program, folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** What docs/install.md says of a target's size, and what has been seen of it. */
export async function documented(target: string): Promise<{ megabytes: number; seen: string }> {
  const page = await readFile(join(ROOT, "docs/install.md"), "utf8");
  const row = new RegExp(`^\\| \`${target}(?:\\.exe)?\` \\| (\\d+) \\| (.*) \\|$`, "m").exec(page);
  return { megabytes: Number(row?.[1]), seen: row?.[2] ?? "" };
}

/** Whole ones of a million bytes. */
export async function megabytesOf(program: string): Promise<number> {
  return Math.round((await stat(program)).size / 1e6);
}
