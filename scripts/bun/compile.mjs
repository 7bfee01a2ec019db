import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const root = join(import.meta.dirname, "../..");

/**
 * Compiles `bin/binary.js`, with dist/ and all that it imports, into one program. The same sources give the same bytes, in
 * whatever folder they are and wherever the program goes: its name alone is inside.
 *
 * @param bun the program that compiles
 * @param target what is compiled for: its name in bun's words, and the bun program that the code is put into
 * @param program where the result goes
 */
export function compile({ bun, target, program }) {
  mkdirSync(dirname(program), { recursive: true });
  const aside = mkdtempSync(`${program}-`);
  const made = join(aside, basename(program));
  try {
    execFileSync(bun, [join(import.meta.dirname, "bundle.mjs"), made, target.name, target.bun], {
      cwd: root,
      // No NODE_ENV and no BUN_OPTIONS: both would be seen in the result.
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ["ignore", "ignore", "inherit"],
    });
    renameSync(made, program);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
