import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../contrib/python", import.meta.url));
const MODULES = "import argon2, cryptography, sys; assert sys.version_info >= (3, 9)";

/**
 * A python3 with the two modules: `VSYNC_TEST_PYTHON`, the system's own, or the first on the PATH; null if all of them
 * lack one.
 */
export function findPython(): string | null {
  const candidates = [process.env["VSYNC_TEST_PYTHON"], "/usr/bin/python3", "python3"].filter(
    (name) => name !== undefined && name !== "",
  ) as string[];
  return candidates.find((name) => spawnSync(name, ["-c", MODULES], { stdio: "ignore" }).status === 0) ?? null;
}

export interface PythonEnd {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

export interface PythonRun {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Runs a script of `contrib/python` with exactly this environment. */
export async function runPython(python: string, script: string, { args = [], env = {}, stdin = "" }: PythonRun) {
  // -B keeps __pycache__ out of the repository.
  const child = spawn(python, ["-B", join(FOLDER, script), ...args], {
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", ...env },
  });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (said[stream] += text));
  }
  child.stdin.on("error", () => undefined).end(stdin);
  const exitCode = await new Promise<number | null>((settle, reject) => {
    child.once("error", reject).once("close", settle);
  });
  return { ...said, exitCode } satisfies PythonEnd;
}
