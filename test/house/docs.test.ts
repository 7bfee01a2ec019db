import { access } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { anchorOf, pages, ROOT, readPage, unseenCommands } from "../docs/page.ts";
import { LOADERS } from "../support/commands.ts";

const written = await pages();

describe.each(written)("%s", (path) => {
  // test/docs runs ```console fences, with `$ ` before each command, and ```sh fences.
  test("has its commands where test/docs runs them", async () => {
    expect(unseenCommands(await readPage(path))).toEqual([]);
  });

  test("its links lead somewhere", async () => {
    const broken = [];
    for (const target of linksIn(await readPage(path))) if (!(await leadsSomewhere(path, target))) broken.push(target);
    expect(broken).toEqual([]);
  });

  test("names only existing commands", async () => {
    const known = new Set(Object.keys(LOADERS).map((id) => id.replace(":", " ")));
    const named = [...(await readPage(path)).matchAll(/(?:`|^\$ )vsync ([a-z-]+(?: (?:verify|reconcile|sign))?)\b/gm)];
    expect(named.map(([, name = ""]) => name).filter((name) => !known.has(name))).toEqual([]);
  });
});

/** Links to files and headings of the repository, outside code. */
function linksIn(markdown: string): string[] {
  const prose = markdown.replace(/^( *)```[\s\S]*?^\1```$/gm, "").replace(/`[^`\n]*`/g, "");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

async function leadsSomewhere(from: string, target: string): Promise<boolean> {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : join(dirname(from), path);
  const isThere = await access(join(ROOT, file)).then(
    () => true,
    () => false,
  );
  if (!isThere || anchor === undefined) return isThere;
  const headings = [...(await readPage(file)).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => anchorOf(title));
  return headings.includes(anchor);
}

describe("the decisions", async () => {
  const paths = written.filter((path) => /^docs\/decisions\/\d/.test(path));
  const index = await readPage("docs/decisions/README.md");

  test.each(paths)("%s has its number, its date and its row in the index", async (path) => {
    const [, number = "", title = "", date = ""] =
      /^# (\d{4}): (.+)\n\n(\d{4}-\d\d-\d\d)\n/.exec(await readPage(path)) ?? [];
    const file = basename(path);
    expect(file.slice(0, 4)).toBe(number);
    expect(index).toContain(`| [${number}](${file}) | ${date} | ${title} |`);
  });

  test("each number has a page, or the index says that it was never used", () => {
    const numbers = paths.map((path) => basename(path).slice(0, 4));
    const unused = index.split("\n| ")[0]?.match(/\d{4}/g) ?? [];
    const all = Array.from({ length: Number(numbers.at(-1)) }, (_, at) => `${at + 1}`.padStart(4, "0"));
    expect([...numbers, ...unused].toSorted()).toEqual(all);
  });
});
