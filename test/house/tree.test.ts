import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

test("CONTRIBUTING.md has a line for each folder of the repository's first two levels, and no other", () => {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" }).split("\0");
  const real = new Set(files.flatMap((file) => foldersOf(file)));
  const page = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
  const listed = Array.from(page.matchAll(/^([\w./-]+\/) {1,}\S.*$/gm), ([, folder = ""]) => folder);
  expect(listed, "add a line to CONTRIBUTING.md, in order").toEqual([...real].toSorted());
});

/** Without those that start with a dot, and `test/` itself, which holds folders alone. */
function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  const folders = parts.slice(0, 2).map((_, at) => `${parts.slice(0, at + 1).join("/")}/`);
  return folders.filter((folder) => !folder.startsWith(".") && folder !== "test/");
}
