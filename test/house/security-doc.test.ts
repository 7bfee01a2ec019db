import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasTitle } from "./titles.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/security.md"), "utf8").replaceAll(/\s+/g, " ");

/** "`test/x/y.test.ts`: "title"; "title"", "…: all of it", "…: the vectors `a/`, `b/`". A script's titles are its headings. */
const NAMED = [
  ...PAGE.matchAll(
    /`(test\/[\w/-]+\.(?:test\.ts|txt))`: ((?:"[^"]+"(?:; )?)+|all of it|the vectors (?:`[\w]+\/`(?:, )?)+)/g,
  ),
].map(([, file = "", what = ""]) => ({ file, what }));

describe("docs/security.md", () => {
  test("names a part of every test file it mentions", () => {
    const files = [...PAGE.matchAll(/`(test\/[\w/-]+\.(?:test\.ts|txt))`(.{0,4})/g)];
    const loose = files.filter(
      ([, file, next]) => !next?.startsWith(": ") && file !== "test/house/security-doc.test.ts",
    );
    expect(loose.map(([whole]) => whole)).toEqual([]);
    expect(NAMED.length).toBe(files.length - 1);
    expect(NAMED.length).toBeGreaterThan(30);
  });

  test.each(NAMED)("$file has $what", ({ file, what }) => {
    const source = readFileSync(join(ROOT, file), "utf8").replaceAll(/\s+/g, " ");
    for (const [, title = ""] of what.matchAll(/"([^"]+)"/g))
      expect([title, hasTitle(file, title)]).toEqual([title, true]);
    for (const [, folder = ""] of what.matchAll(/`(\w+)\/`/g)) {
      expect(existsSync(join(ROOT, "test/vectors/data", `${folder}.json`))).toBe(true);
    }
    expect(source).toMatch(/\b(?:test|describe)[.(]|## /);
  });
});
