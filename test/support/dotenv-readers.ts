import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fetchPackages } from "../../scripts/fetched-packages.ts";
import type { Reader } from "../../src/cli/items/dotenv/dotenv-readers.ts";
import { debianPackage } from "./debian.ts";

/** The variables of a dotenv file as another program reads them. */
export type Read = (path: string, names: readonly string[]) => Promise<readonly string[]>;

const ROOT = join(import.meta.dirname, "../..");

/** A machine with a HOME, where an expanded `$HOME` leads, and nothing else. */
const ENV = { HOME: "/home/ann" };

/** The readers that can be run. Docker Compose comes from neither npm nor Debian. */
export const RUN_READERS: Readonly<Record<Exclude<Reader, "Docker Compose">, Read>> = {
  async sh(path, names) {
    return printed("/bin/sh", ["-c", `. "$0"${names.map((it) => `; printf '%s\\0' "$${it}"`).join("")}`, path]);
  },
  async "node --env-file"(path, names) {
    const print = `for (const name of ${JSON.stringify(names)}) process.stdout.write(process.env[name] + "\\0")`;
    return printed(process.execPath, [`--env-file=${path}`, "-e", print]);
  },
  async "python-dotenv"(path, names) {
    const folder = join(await debianPackage("python3-dotenv"), "usr/lib/python3/dist-packages");
    const print = `import sys; sys.path.insert(0, sys.argv[1]); from dotenv import dotenv_values
read = dotenv_values(sys.argv[2])
for name in sys.argv[3:]: sys.stdout.buffer.write((read.get(name) or "").encode() + b"\\0")`;
    return printed("/usr/bin/python3", ["-X", "utf8", "-c", print, folder, path, ...names]);
  },
  async dotenv(path, names) {
    const print = `const [path, ...names] = process.argv.slice(1);
const { parsed } = require("dotenv").config({ path, quiet: true, processEnv: {} });
for (const name of names) process.stdout.write(parsed[name] + "\\0");`;
    return printed(process.execPath, ["-e", print, path, ...names]);
  },
  async "dotenv-expand"(path, names) {
    const packages = await fetchPackages(join(import.meta.dirname, "strangers"));
    const print = `const [path, packages, ...names] = process.argv.slice(1);
const { parsed } = require(packages + "/node_modules/dotenv-expand").expand(require("dotenv").config({ path, quiet: true, processEnv: {} }));
for (const name of names) process.stdout.write(parsed[name] + "\\0");`;
    return printed(process.execPath, ["-e", print, path, packages, ...names]);
  },
};

function printed(program: string, args: readonly string[]): readonly string[] {
  const text = execFileSync(program, args, { encoding: "utf8", env: ENV, stdio: "pipe", cwd: ROOT });
  return text.split("\0").slice(0, -1);
}
