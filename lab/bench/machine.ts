import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import type { Results } from "./results.ts";
import type { Vsync } from "./world.ts";

const ROOT = join(import.meta.dirname, "../..");

export function machineHere(): Results["machine"] {
  const found = cpus();
  return {
    cpu: found[0]?.model.trim() ?? "unknown",
    cores: found.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release().split("-")[0]} ${process.arch}`,
  };
}

export function versionsHere(programs: readonly Vsync[]): Results["versions"] {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const binary = programs.find(({ name }) => name === "binary");
  return {
    vsync: `${version}${commit()}`,
    "Node.js": process.versions.node,
    OpenSSL: process.versions.openssl,
    ...(binary === undefined ? {} : { binary: binaryVersion(binary) }),
  };
}

function commit(): string {
  try {
    const hash = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" }).trim();
    return ` (${hash})`;
  } catch {
    return ""; // an unpacked archive has no history
  }
}

function binaryVersion({ argv: [program = ""] }: Vsync): string {
  return execFileSync(program, ["--version"], { encoding: "utf8" }).trim();
}
