// How to start the program of a target on this machine.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { ownTarget } from "../bun/targets.ts";
import { muslLoader } from "./musl.ts";

/** From Debian's libc6-arm64-cross. */
const ARM64_GLIBC = "/usr/aarch64-linux-gnu";

const WAYS: Readonly<Record<string, () => string[]>> = {
  "linux-x64-musl": () => (process.arch === "x64" ? muslLoader("x64") : none("not an x64 machine")),
  "linux-arm64": () => (existsSync(ARM64_GLIBC) ? ["qemu-aarch64", "-L", ARM64_GLIBC] : none(`no ${ARM64_GLIBC}`)),
  "linux-arm64-musl": () => ["qemu-aarch64", ...muslLoader("arm64")],
  "windows-x64": wine,
};

/** The command prefix for a target's program, and its name, both empty for this machine's own target; or the obstacle. */
export type Way = { readonly words: readonly string[]; readonly by: string } | { readonly obstacle: string };

export function wayOf(target: string): Way {
  if (target === ownTarget()) return { words: [], by: "" };
  try {
    const words = process.platform === "linux" ? WAYS[target]?.() : undefined;
    if (words === undefined) return { obstacle: "nothing here starts it" };
    return { words, by: versionOf(words[0] ?? "") };
  } catch (error) {
    return { obstacle: (error as Error).message };
  }
}

function wine(): string[] {
  const version = versionOf("wine");
  // Older ones lack bcryptprimitives.dll.
  return Number(/^wine-(\d+)/.exec(version)?.[1]) >= 9 ? ["wine"] : none(`${version}, and it takes wine-9.0`);
}

/** The first line in which a program describes itself. musl's loader prints it on stderr, with status 1. */
function versionOf(program: string): string {
  const { error, stdout, stderr } = spawnSync(program, ["--version"], { encoding: "utf8" });
  if (error !== undefined) none(`no ${program}`);
  const [first = "", second = ""] = `${stdout}${stderr}`.split("\n");
  return first.startsWith("musl libc") ? `musl ${second.replace("Version ", "")}` : first;
}

function none(reason: string): never {
  throw new Error(reason);
}
