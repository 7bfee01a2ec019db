import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import type { Ended } from "../runtime/program.ts";
import { installedPackage } from "./installed.ts";

/** Long enough for the first call on a machine, which fetches packages. */
export const FETCH_LIMIT_MS = 10 * 60_000;

const SUPPORT = join(import.meta.dirname, "../support");
/** The folder of a package that is not in `frameworks`, with which origins are written. */
const DESCRIBED: Readonly<Record<string, string>> = {
  esbuild: "strangers",
  next: "next",
  react: "next",
  "react-dom": "next",
};

/** A folder with these files; removed after the test. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "vsync app "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** A user's app: its files, and a `node_modules` with vsync as npm installs it and other packages. */
export async function appOf(
  files: Readonly<Record<string, string>>,
  packages: readonly string[] = [],
): Promise<string> {
  const folder = await folderOf(files);
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  await symlink(join(await installedPackage(), "node_modules/vsync"), join(modules, "vsync"));
  for (const name of packages) {
    const described = DESCRIBED[name] ?? "frameworks";
    await symlink(join(await fetchPackages(join(SUPPORT, described)), "node_modules", name), join(modules, name));
  }
  return folder;
}

export interface Started {
  /** Resolves with the first line of its output. */
  readonly line: Promise<string>;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a program with exactly these variables and kills it after the test. */
export function startIn(cwd: string, env: Readonly<Record<string, string>>, command: readonly string[]): Started {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = { stdout: "", stderr: "" };
  const line = Promise.withResolvers<string>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      printed[stream] += chunk;
      if (printed.stdout.includes("\n")) line.resolve(printed.stdout.slice(0, printed.stdout.indexOf("\n")));
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      line.reject(new Error(`it ended before it printed a line: ${printed.stderr}`));
      resolve({ ...printed, status });
    });
  });
  line.promise.catch(() => undefined);
  return { line: line.promise, ended, kill: (signal) => void child.kill(signal) };
}

/** Runs a program to its end. */
export function runIn(cwd: string, env: Readonly<Record<string, string>>, command: readonly string[]): Promise<Ended> {
  return startIn(cwd, env, command).ended;
}
