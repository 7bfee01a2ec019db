import { existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { bytesOf } from "../../../scripts/supply-chain/dependencies.ts";
import { installedPackage } from "../../../test/package/installed.ts";
import { BINARY_SIZE, INSTALLED } from "../labels.ts";
import type { Size } from "../results.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** What `npm install vsync` brings, and the binary. */
export async function measureSizes(): Promise<readonly Size[]> {
  const binary = join(ROOT, "dist/vsync");
  const sizes = existsSync(binary) ? [{ what: BINARY_SIZE, bytes: statSync(binary).size }] : [];
  return [await installed(), ...sizes];
}

async function installed(): Promise<Size> {
  const folder = join(await installedPackage(), "node_modules");
  const { packages } = JSON.parse(readFileSync(join(folder, ".package-lock.json"), "utf8")) as { packages: object };
  const folders = Object.keys(packages).map((path) => relative(ROOT, join(folder, "..", path)));
  return { what: INSTALLED, packages: folders.length, bytes: folders.reduce((sum, it) => sum + bytesOf(it), 0) };
}
