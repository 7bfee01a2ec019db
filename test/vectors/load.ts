import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Vector } from "./vector.ts";

const PACKED = join(import.meta.dirname, "data");

/**
 * The project's vectors, one JSON file per folder, or those of the folder `VSYNC_TEST_VECTORS`, one file per vector.
 */
export function loadVectors(): readonly Vector[] {
  const folder = process.env["VSYNC_TEST_VECTORS"];
  return folder === undefined || folder === "" ? packedVectors() : unpackedVectors(folder);
}

function packedVectors(): readonly Vector[] {
  const files = readdirSync(PACKED).filter((name) => name.endsWith(".json"));
  return files.flatMap((file) => JSON.parse(readFileSync(join(PACKED, file), "utf8")) as Vector[]);
}

function unpackedVectors(root: string): readonly Vector[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name }) => {
    const folder = join(root, name);
    const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
    return files.map((file) => inlined(JSON.parse(readFileSync(join(folder, file), "utf8")), folder) as Vector);
  });
}

/** Replaces every `{"file": name}` with `{"b64": content}`, as in a packed vector. */
function inlined(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => inlined(inner, folder));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [name, file] = entries[0] ?? [];
  if (entries.length === 1 && name === "file" && typeof file === "string" && file.endsWith(".bin")) {
    return { b64: readFileSync(join(folder, file)).toString("base64") };
  }
  return Object.fromEntries(entries.map(([key, inner]) => [key, inlined(inner, folder)]));
}

/** The vector of this name. Throws if there is none. */
export function vectorNamed(name: string): Vector {
  const found = loadVectors().find((vector) => vector.name === name);
  if (found === undefined) throw new TypeError(`no vector ${name}`);
  return found;
}
