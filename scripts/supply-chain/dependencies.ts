import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));

export interface LockedPackage {
  readonly name: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Justification {
  readonly why: string;
  readonly keptBy: string;
  readonly size: string;
  readonly startUp: string;
  readonly replacement: string;
}

/**
 * The packages that an installed vsync brings along, by folder, from the lockfile: `dependencies` and everything they need.
 * Packages for other platforms are not installed here and are left out.
 */
export function productionTree(
  names: readonly string[] = Object.keys(readJson("package.json").dependencies),
): Map<string, LockedPackage> {
  const packages: Record<string, LockedPackage> = readJson("package-lock.json").packages;
  const found = new Map<string, LockedPackage>();
  const add = (name: string, from: string): void => {
    const folder = resolved(packages, name, from);
    if (folder === undefined || found.has(folder)) return;
    const entry = { ...packages[folder], name };
    found.set(folder, entry);
    for (const needed of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) add(needed, folder);
  };
  for (const name of names) add(name, "");
  return found;
}

/** Looks a package up like Node.js: beside the importing package, then further out. */
function resolved(packages: Readonly<Record<string, unknown>>, name: string, from: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const candidate = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (folder === "") return undefined;
  }
}

/** The size on disk, without nested packages. */
export function bytesOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules") bytes += bytesOf(path);
    else if (entry.isFile()) bytes += lstatSync(join(root, path)).size;
  }
  return bytes;
}

/** The packages and megabytes of one run-time dependency with everything it brings. */
export function weightOf(name: string): { packages: number; megabytes: number } {
  const folders = [...productionTree([name]).keys()];
  const bytes = folders.reduce((sum, folder) => sum + bytesOf(folder), 0);
  return { packages: folders.length, megabytes: bytes / 1e6 };
}

/** The rows of decision 0007, by package. */
export function justified(): Map<string, Justification> {
  const text = readFileSync(join(root, "docs/decisions/0007-dependencies.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(
    rows.map((row) => {
      const cells = row.split("|").map((cell) => cell.trim());
      const [, name = "", why = "", keptBy = "", size = "", startUp = "", replacement = ""] = cells;
      return [name.replaceAll("`", ""), { why, keptBy, size, startUp, replacement }];
    }),
  );
}
