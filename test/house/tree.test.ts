import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

test("CONTRIBUTING.md has a line for each folder of the repository's first two levels, and no other", () => {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" }).split("\0");
  const real = new Set(files.flatMap((file) => foldersOf(file)));
  const page = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
  const listed = Array.from(page.matchAll(/^([\w./-]+\/) {1,}\S.*$/gm), ([, folder = ""]) => folder);
  expect(listed, "add a line to CONTRIBUTING.md, in order").toEqual([...real].toSorted());
});

test("CONTRIBUTING.md shows the way of the data: each file is imported by the one that it is indented below", () => {
  const page = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
  const above: string[] = [];
  const imported = Array.from(page.matchAll(/^( *)(src\/\S+\.ts) /gm), ([, indent = "", file = ""]) => {
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

/** Without those that start with a dot, and `test/` itself, which holds folders alone. */
function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  const folders = parts.slice(0, 2).map((_, at) => `${parts.slice(0, at + 1).join("/")}/`);
  return folders.filter((folder) => !folder.startsWith(".") && folder !== "test/");
}
