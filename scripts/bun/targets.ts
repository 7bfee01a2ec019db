// The platforms that get a binary, and the bun package behind each.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fetchPackages, type Platform } from "../fetched-packages.ts";

/** By the name in a release: the platform as npm calls it, and the Bun package. */
export const TARGETS: Readonly<Record<string, Platform & { readonly bun: string }>> = {
  "linux-x64": { os: "linux", cpu: "x64", libc: "glibc", bun: "linux-x64" },
  "linux-x64-musl": { os: "linux", cpu: "x64", libc: "musl", bun: "linux-x64-musl" },
  "linux-arm64": { os: "linux", cpu: "arm64", libc: "glibc", bun: "linux-aarch64" },
  "linux-arm64-musl": { os: "linux", cpu: "arm64", libc: "musl", bun: "linux-aarch64-musl" },
  "darwin-x64": { os: "darwin", cpu: "x64", bun: "darwin-x64" },
  "darwin-arm64": { os: "darwin", cpu: "arm64", bun: "darwin-aarch64" },
  "windows-x64": { os: "win32", cpu: "x64", bun: "windows-x64" },
  "windows-arm64": { os: "win32", cpu: "arm64", bun: "windows-aarch64" },
};

export interface BunTarget {
  /** The name that Bun uses. */
  readonly name: string;
  /** The path of its Bun program. */
  readonly bun: string;
}

/** The name of this machine's target. */
export function ownTarget(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `${system}-${process.arch}${isMusl() ? "-musl" : ""}`;
  platformOf(name);
  return name;
}

/** The file name of the program for a target. */
export function programName(name: string): string {
  return platformOf(name).os === "win32" ? "vsync.exe" : "vsync";
}

/** The first call on a machine fetches it with npm. */
export async function fetchTarget(name: string): Promise<BunTarget> {
  const { bun, ...platform } = platformOf(name);
  const packages = await fetchPackages(import.meta.dirname, platform);
  const file = platform.os === "win32" ? "bun.exe" : "bun";
  const program = join(packages, "node_modules", "@oven", `bun-${bun}`, "bin", file);
  // They are optional dependencies, because each is for one platform, and npm does not report one that it could not
  // fetch.
  if (!existsSync(program)) throw new Error(`npm did not fetch @oven/bun-${bun}`);
  return { name: `bun-${bun}`, bun: program };
}

function platformOf(name: string): Platform & { readonly bun: string } {
  const target = TARGETS[name];
  if (target === undefined) throw new Error(`no binary is made for ${name}`);
  return target;
}

function isMusl(): boolean {
  if (process.platform !== "linux") return false;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}
