import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasTitle } from "./titles.ts";

const TEST = join(import.meta.dirname, "..");

/** The rows "| 7 | a statement | `tokens/x.test.ts` (the start of a title; of another), the vectors `grants` |". */
const rowsOf = (page: string) =>
  [...readFileSync(join(TEST, page), "utf8").matchAll(/^\| (\d+) \| (.+) \| (.+) \|$/gm)].map(
    ([, number = "", statement = "", shown = ""]) => ({ number, statement, shown }),
  );

describe.each(["tokens/README.md", "backend/README.md"])("test/%s", (page) => {
  const rows = rowsOf(page);

  test("numbers its statements", () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.map(({ number }) => Number(number))).toEqual(rows.map((_, at) => at + 1));
  });

  test.each(rows)("$number: $statement", ({ shown }) => {
    const tests = [...shown.matchAll(/`([\w/-]+\.(?:test\.ts|txt))` \(([^)]+)\)/g)];
    const vectors = [...shown.matchAll(/the vectors `(\w+)`/g)];
    expect(tests.length + vectors.length).toBe(shown.split(/, (?=`|the vectors)/).length);
    for (const [, file = "", titles = ""] of tests)
      for (const title of titles.split("; ")) expect([title, hasTitle(`test/${file}`, title)]).toEqual([title, true]);
    for (const [, name] of vectors) expect(existsSync(join(TEST, `vectors/data/${name}.json`))).toBe(true);
  });
});
