import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** The single binary: `VSYNC_TEST_BIN`, else dist/vsync. */
export function binary(): string {
  const path = resolve(ROOT, process.env["VSYNC_TEST_BIN"] ?? "dist/vsync");
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run build:binary`);
  return path;
}

export const NODE_PROGRAM = [process.execPath, join(ROOT, "bin/run.js")];
