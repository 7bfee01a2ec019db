import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

const PAGE = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
const FILES = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" }).split("\0");
const LISTED = Array.from(PAGE.matchAll(/^([\w./-]+\/) {1,}\S.*$/gm), ([, folder = ""]) => folder);

test("CONTRIBUTING.md has a line for each folder of the first two levels, except where test/ mirrors src/", () => {
  const real = new Set(FILES.flatMap((file) => foldersOf(file)));
  const mirrored = [...real].filter(
    (folder) => real.has(folder.replace(/^test\//, "src/")) && folder.startsWith("test/"),
  );
  for (const folder of mirrored) real.delete(folder);
  expect(LISTED.toSorted()).toEqual([...real].toSorted());
});

test("CONTRIBUTING.md lists the folders of src/ in layer order: each imports only those above it", () => {
  const layers = LISTED.filter((folder) => /^src\/./.test(folder));
  const upward = FILES.filter((file) => /^src\/.+\/.+\.ts$/.test(file)).flatMap((file) => {
    const at = (path: string): number => layers.findIndex((folder) => path.startsWith(folder));
    return importsOf(file).flatMap((target) => (at(target) > at(file) ? [`${file} imports ${target}`] : []));
  });
  expect(upward).toEqual([]);
});

test("CONTRIBUTING.md shows the way of the data: each file is imported by the one that it is indented below", () => {
  const above: string[] = [];
  const imported = Array.from(PAGE.matchAll(/^( *)(src\/\S+\.ts) /gm), ([, indent = "", file = ""]) => {
    above.splice(indent.length / 2, Number.POSITIVE_INFINITY, file);
    const importer = above.at(-2);
    return importer === undefined || importsOf(importer).includes(file) ? null : `${importer} does not import ${file}`;
  });
  expect(imported.length).toBeGreaterThan(20);
  expect(imported.filter((fault) => fault !== null)).toEqual([]);
});

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  return Array.from(source.matchAll(/(?:from |import\()"(\.[^"]+)"/g), ([, path = ""]) => join(dirname(file), path));
}

/** Leaves out folders that start with a dot, and `test/` itself, which contains only folders. */
function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  const folders = parts.slice(0, 2).map((_, at) => `${parts.slice(0, at + 1).join("/")}/`);
  return folders.filter((folder) => !folder.startsWith(".") && folder !== "test/");
}
