import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const root = join(import.meta.dirname, "../..");

/**
 * Compiles `bin/binary.js`, with dist/ and all that it imports, into one program. The same sources give the same bytes, in
 * whatever folder they are and wherever the program goes: its name alone is inside.
 *
 * @param bun the program that compiles
 * @param base the program that the code is put into: the target's bun
 * @param program where the result goes
 */
export function compile({ bun, base, program }) {
  mkdirSync(dirname(program), { recursive: true });
  const aside = mkdtempSync(`${program}-`);
  const made = join(aside, basename(program));
  try {
    execFileSync(bun, ["build", ...FLAGS, `--compile-executable-path=${base}`, "bin/binary.js", `--outfile=${made}`], {
      cwd: root,
      env: environment(),
      stdio: ["ignore", "ignore", "inherit"],
    });
    renameSync(made, program);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

const FLAGS = [
  "--compile",
  "--minify",
  "--bytecode",
  // Else the program would run the bunfig.toml, and take in the .env, of the folder that it is started in.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

/** Without what tells bun to behave differently. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BUN_")));
}
