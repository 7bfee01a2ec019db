import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadVectors } from "../vectors/load.ts";

const README = readFileSync(join(import.meta.dirname, "../vectors/data/README.md"), "utf8");

const vectors = loadVectors();
const folders = [...new Set(vectors.map(({ name }) => name.slice(0, name.indexOf("/"))))];

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
    const found = folders.map((folder) => [folder, vectors.filter(({ name }) => name.startsWith(`${folder}/`)).length]);
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(found));
    expect(README).toContain(`, ${vectors.length} vectors,`);
  });

  test("names exactly the fields of the vectors", () => {
    const known = firstCells("How to run them");
    const used = new Set(vectors.flatMap((vector) => Object.keys(vector)));
    expect([...used].toSorted()).toEqual(known.toSorted());
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length);
  });

  test("names every operation", () => {
    expect([...new Set(vectors.map(({ op }) => op))].toSorted()).toEqual(firstCells("Operations").toSorted());
  });
});
