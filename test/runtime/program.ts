import { spawn } from "node:child_process";
import { join } from "node:path";
import { COMPILE_CACHE } from "../support/compile-cache.ts";

const SOURCES = join(import.meta.dirname, "../../src");

/** The library's entry in the package, for an import statement: it loads faster than the sources. */
export const PACKAGE = JSON.stringify(join(SOURCES, "../dist/library/index.js"));
/** The library's entry, for an import statement. */
export const INDEX = JSON.stringify(join(SOURCES, "runtime/index.ts"));
/** The file that `require("vsync/register")` loads. */
export const REGISTER_REQUIRED = join(SOURCES, "runtime/register-required.ts");
export const REGISTER = join(SOURCES, "runtime/register.ts");

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** Runs the text of a module as a program, with these variables and no others. */
export function runModule(text: string, env: Record<string, string>, flags: readonly string[] = []): Promise<Ended> {
  const args = [...COMPILE_CACHE, ...flags, "--input-type=module", "-e", text];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const printed = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      printed[stream] += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ ...printed, status }));
  });
}
