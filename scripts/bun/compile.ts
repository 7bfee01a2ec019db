import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { keepFileLimit } from "./limits.ts";
import { signatureHolds, signedAdHoc } from "./macho-signature.ts";
import type { BunTarget } from "./targets.ts";

const root = join(import.meta.dirname, "../..");

export interface Compilation {
  /** The program that compiles. */
  readonly bun: string;
  readonly target: BunTarget;
  /** Where the result goes. */
  readonly program: string;
}

/**
 * Compiles `bin/binary.mjs`, dist/ and all its imports into one program. The same sources give the same bytes in every
 * folder; the program contains its own name but not its path.
 */
export function compile({ bun, target, program }: Compilation): void {
  mkdirSync(dirname(program), { recursive: true });
  const aside = mkdtempSync(`${program}-`);
  const made = join(aside, basename(program));
  try {
    execFileSync(bun, [join(import.meta.dirname, "bundle.mjs"), made, target.name, target.bun], {
      cwd: root,
      // NODE_ENV and BUN_OPTIONS would change the result.
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (target.name.startsWith("bun-darwin-")) sign(made);
    if (target.name.startsWith("bun-linux-")) keepFileLimit(made);
    renameSync(made, program);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Bun leaves its own signature on the x64 program, where it is no longer valid: decision 0040. */
function sign(file: string): void {
  const program = readFileSync(file);
  if (!signatureHolds(program)) writeFileSync(file, signedAdHoc(program, "vsync"));
}
