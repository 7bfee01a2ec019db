import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const DATA = join(import.meta.dirname, "../vectors/data");
const README = readFileSync(join(DATA, "README.md"), "utf8");

const folders = readdirSync(DATA, { withFileTypes: true }).flatMap((it) => (it.isDirectory() ? [it.name] : []));
const vectors = folders.flatMap((folder) =>
  readdirSync(join(DATA, folder))
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      folder,
      file,
      ...(JSON.parse(readFileSync(join(DATA, folder, file), "utf8")) as { name: string; op: string }),
    })),
);

/** The words in backticks in the first cell of each row. */
function firstCells(heading: string): readonly string[] {
  const section = README.slice(README.indexOf(`## ${heading}\n`)).split("\n## ")[0] ?? "";
  const rows = section.slice(section.indexOf("\n|---"));
  const cells = rows.split("\n").filter((line) => line.startsWith("| `"));
  return cells.flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, word = ""]) => word));
}

describe("the README beside the vectors", () => {
  test("counts the vectors", () => {
    const counts = [...README.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, folder, count]) => [
      folder,
      Number(count),
    ]);
    const found = folders.map((folder) => [folder, vectors.filter((it) => it.folder === folder).length]);
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(found));
    expect(README).toContain(`, ${vectors.length} vectors,`);
  });

  test("names exactly the fields of the vectors", () => {
    const known = firstCells("How to run them");
    const used = new Set(vectors.flatMap(({ folder: _folder, file: _file, ...vector }) => Object.keys(vector)));
    expect([...used].toSorted()).toEqual(known.toSorted());
    for (const { folder, file, name } of vectors) expect(`${name}.json`).toBe(`${folder}/${file}`);
  });

  test("names every operation", () => {
    expect([...new Set(vectors.map(({ op }) => op))].toSorted()).toEqual(firstCells("Operations").toSorted());
  });
});
