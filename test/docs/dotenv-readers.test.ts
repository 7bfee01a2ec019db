import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { READERS, type Reader } from "../../src/cli/items/dotenv/dotenv-readers.ts";
import { writeDotenv } from "../../src/cli/items/dotenv/dotenv-writer.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { type Read, RUN_READERS } from "../support/dotenv-readers.ts";
import { readPage } from "./page.ts";

const VALUES: Readonly<Record<string, string>> = {
  "letters, digits, `_./:@%+,=-`": "https://ann@db:5432/x",
  "spaces, `#`, quotes of JSON, several lines": '{"a": 1, # "b"\n}',
  "`'` alone": "it's",
  "`$NAME`": "p$HOME",
  "`${NAME}`": "p${HOME}",
  "`\\$`": "p\\$w",
  "two backslashes": "\\\\host\\share",
  "a backslash at the end": "C:\\data dir\\",
  "a carriage return": "a\r\nb",
  "`'` and `$`": "it's $(id)",
  "`'` and `\"`": 'it\'s "so"',
  "`'`, `\"` and `#`": 'it\'s "so"#1',
  "`'` and `\"` on several lines": 'it\'s\n"so"',
};

/** Whether a reader reads the value correctly; for the one reader that is not run, whether `pull` says so. */
async function reads(path: string, value: string, reader: Reader): Promise<boolean> {
  const written = writeDotenv([{ name: "K", kind: "secret", data: Secret.ofText(value) }]);
  const isNamed = written.misread.some(({ readers }) => readers.includes(reader));
  const read = (RUN_READERS as Readonly<Record<string, Read | undefined>>)[reader];
  if (read === undefined) return !isNamed;
  await writeFile(path, written.bytes);
  // sh fails if a quote is not closed.
  const [found] = await read(path, ["K"]).catch((): readonly string[] => []);
  // Values that pull does not name are read alike by all.
  if (!isNamed) expect([reader, found]).toEqual([reader, value]);
  return found === value;
}

test("docs/migrating.md shows what other readers make of a value that pull wrote", async () => {
  const folder = await mkdtemp(join(tmpdir(), "vsync-test-"));
  try {
    const rows = [];
    for (const [kind, value] of Object.entries(VALUES)) {
      const cells = [];
      for (const reader of READERS)
        cells.push((await reads(join(folder, ".env"), value, reader)) ? "same" : "**other**");
      rows.push(`| ${[kind, ...cells].join(" | ")} |`);
    }
    const head = ["a value with", ...READERS.map((reader) => (reader in RUN_READERS ? `\`${reader}\`` : `${reader}¹`))];
    const table = [`| ${head.join(" | ")} |`, `| ${head.map(() => "---").join(" | ")} |`, ...rows].join("\n");
    expect(await readPage("docs/migrating.md")).toContain(`\n\n${table}\n\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
