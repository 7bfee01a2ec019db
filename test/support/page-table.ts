import { readFile, writeFile } from "node:fs/promises";
import { expect } from "vitest";

const PAGE = new URL("../../docs/s3.md", import.meta.url);

/**
 * Compares a table of docs/s3.md, between the comments with its name, with what was seen: the words behind each first cell.
 * Null is what this machine could not try; the page's row then stays. `UPDATE_MATRIX=1` writes the table.
 */
export async function expectTable(
  name: string,
  head: readonly [string, string],
  seen: ReadonlyMap<string, string | null>,
): Promise<void> {
  const [begin, end] = [`<!-- begin: ${name} -->\n`, `<!-- end: ${name} -->\n`];
  const page = await readFile(PAGE, "utf8");
  const [before = "", rest = ""] = page.split(begin);
  const [table = "", after = ""] = rest.split(end);
  const written = table.split("\n");
  const rows = [...seen].flatMap(([what, said]) => {
    const start = `| ${what} | `;
    return said === null ? written.filter((row) => row.startsWith(start)) : `${start}${said} |`;
  });
  const wanted = [before + begin + `| ${head.join(" | ")} |`, "|---|---|", ...rows, end + after].join("\n");
  if (process.env["UPDATE_MATRIX"]) await writeFile(PAGE, wanted);
  else expect(page).toBe(wanted);
}
