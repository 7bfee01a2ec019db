import { mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { compile } from "../../scripts/bun/compile.ts";
import { fetchTarget, ownTarget, programName } from "../../scripts/bun/targets.ts";

export const ROOT = join(import.meta.dirname, "../..");
/** The first run on a machine fetches bun for both targets. */
export const COMPILE_LIMIT_MS = 10 * 60_000;

/** Compiles dist/ for a target, in a folder that is removed with it. */
export async function compileFor(target: string): Promise<AsyncDisposable & { program: string; folder: string }> {
  await mkdir(join(ROOT, ".cache"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".cache/target-"));
  const program = join(folder, programName(target));
  const { bun } = await fetchTarget(ownTarget());
  compile({ bun, target: await fetchTarget(target), program });
  return { program, folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** A target's size and tests according to docs/install.md. */
export async function documented(target: string): Promise<{ megabytes: number; seen: string }> {
  const page = await readFile(join(ROOT, "docs/install.md"), "utf8");
  const row = new RegExp(`^\\| \`${target}(?:\\.exe)?\` \\| (\\d+) \\| (.*) \\|$`, "m").exec(page);
  return { megabytes: Number(row?.[1]), seen: row?.[2] ?? "" };
}

/** Rounded; a megabyte has 1,000,000 bytes. */
export async function megabytesOf(program: string): Promise<number> {
  return Math.round((await stat(program)).size / 1e6);
}
