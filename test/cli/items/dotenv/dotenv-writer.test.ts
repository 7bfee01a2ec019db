/** @module-tag process */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "dotenv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDotenv } from "../../../../src/cli/items/dotenv/dotenv.ts";
import type { Reader } from "../../../../src/cli/items/dotenv/dotenv-readers.ts";
import { writeDotenv } from "../../../../src/cli/items/dotenv/dotenv-writer.ts";
import { Secret } from "../../../../src/crypto/secret.ts";
import type { Item } from "../../../../src/vault/format/item.ts";
import { RUN_READERS } from "../../../support/dotenv-readers.ts";
import { sampled } from "../../../support/samples.ts";

const secret = (name: string, value: string): Item => ({
  id: "0011223344556677",
  name,
  kind: "secret",
  data: Secret.ofText(value),
});
const write = (values: readonly (readonly [string, string])[], local: string | null = null) =>
  writeDotenv(
    values.map(([name, value]) => secret(name, value)),
    local === null ? null : Buffer.from(local),
  );
const textOf = (written: ReturnType<typeof writeDotenv>): string => Buffer.from(written.bytes).toString();
const encoded = (values: readonly (readonly [string, string])[]): string => textOf(write(values));

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "vsync-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const readBack = (text: string): [string, string][] =>
  parseDotenv(Buffer.from(text), "it").entries.map(({ name, value }) => [name, value.exposeText()]);

describe("a value is written", () => {
  test.each<[string, string, string]>([
    ["as it stands, where no reader finds anything in it", "https://db:5432/x@y+z", "K=https://db:5432/x@y+z\n"],
    ["empty", "", "K=\n"],
    ["in single quotes", "a b $c #d", "K='a b $c #d'\n"],
    ["over several lines", "a\nb\n", "K='a\nb\n'\n"],
    ["in double quotes, where it has single ones", "it's", 'K="it\'s"\n'],
    ["in double quotes with \\r, where it has a CR", "a\r\nb", 'K="a\\r\nb"\n'],
    ["in backticks, where it has both other quotes and lines", `it's\n"so"`, 'K=`it\'s\n"so"`\n'],
    ["bare, where double quotes would make a line end of \\n", "it's \\n", "K=it's \\n\n"],
    ["bare, where it has quotes", 'it\'s "so" `x`', 'K=it\'s "so" `x`\n'],
    ["bare, where it ends in a backslash: for sh an empty line follows", "C:\\a b\\", "K=C:\\a b\\\n\n"],
    ["in single quotes, with backslashes for sh", "\\\\host\\x", "K='\\\\host\\x'\n"],
  ])("%s", (_what, value, text) => {
    expect(encoded([["K", value]])).toBe(text);
    expect(readBack(text)).toEqual([["K", value]]);
  });

  test.each<[string, string, string]>([
    ["all three quotes on two lines", "K", "'\"`\n"],
    ["a CR and a double quote", "K", '\r"planted'],
    ["a CR and what stands for a line end", "K", "\r\\nplanted"],
    ["a backslash at the end of white space", "K", " planted\\"],
    ["a NUL", "K", "planted\0"],
    ["a name with a dash", "my-key", "planted"],
    ["a name with a space", "my key", "planted"],
    ["a name with a =", "A=B", "planted"],
  ])("unless no quoting preserves it: %s", (_what, name, value) => {
    const written = write([
      ["A", "1"],
      [name, value],
    ]);
    expect(textOf(written)).toBe("A=1\n");
    expect(written.left.map((item) => item.name)).toEqual([name]);
  });
});

test("readers that would get another value are named", () => {
  const values = {
    A: "a b",
    B: "it's",
    C: "it's $(id)",
    D: "\\\\host",
    E: "a\r\nb",
    F: "C:\\a\\",
    G: "$HOME",
    H: "${x}",
    I: `'"`,
  };
  const named = write(Object.entries(values)).misread.map(({ name, readers }) => `${name}: ${readers.join(", ")}`);
  expect(named).toEqual([
    "C: sh",
    "D: python-dotenv",
    "E: sh, node --env-file",
    "F: sh",
    "G: dotenv-expand",
    "H: dotenv-expand, python-dotenv",
    "I: sh, python-dotenv, Docker Compose",
  ]);
});

describe("over an existing file", () => {
  const values = [
    ["A", "2"],
    ["B", "two words"],
    ["C", "3"],
  ] as const;

  test.each([
    [
      "comments, order and quotes stay",
      '# team\nB="two words" # c\n\n  export A=1 # old\nC=3',
      [],
      '# team\nB="two words" # c\n\n  export A=2 # old\nC=3\n',
    ],
    [
      "comments behind a value that changes stay",
      "A='1\nx'# a\nB=y # it's\nC=3",
      [],
      "A=2 # a\nB='two words' # it's\nC=3\n",
    ],
    ["so do names that no variable can have", "a.b=1\nA=2\n", ["a.b"], "a.b=1\nA=2\nB='two words'\nC=3\n"],
    ["names of its own stay", "OWN=1\nA=1\n", ["OWN"], "OWN=1\nA=2\nB='two words'\nC=3\n"],
    ["of two assignments the last one stays", "A=1\nB='\nx'\nA=5\n", [], "B='two words'\nA=2\nC=3\n"],
    [
      "its CRLF stays, also within values",
      "# c\r\nA=1 # d\r\nC='x\r\ny'\r\n",
      [],
      "# c\r\nA=2 # d\r\nC=3\r\nB='two words'\r\n",
    ],
    ["a file in another format is replaced", "A=1\nwhat\n", [], "A=2\nB='two words'\nC=3\n"],
  ])("%s", (_what, local, kept, text) => {
    const written = write(values, local);
    expect(textOf(written)).toBe(text);
    expect(written.kept).toEqual(kept);
  });

  test("a value that no quoting preserves is removed from the file", () => {
    const written = write([["A", "\0"]], "# c\nA=1\n");
    expect([textOf(written), written.left.length]).toEqual(["# c\n", 1]);
  });
});

describe("properties", () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  const corners = fc.string({ unit: fc.constantFrom(..."ab$ #='\"`\\nr\n\r\t{}é🔑\ufeff\u2028"), maxLength: 12 });
  const value = fc.oneof(corners, fc.string({ unit: "grapheme" }), fc.base64String());
  const values = fc.uniqueArray(fc.tuple(name, value), { selector: ([it]) => it, maxLength: 8 });

  test("a written file reads back: names, values, order", () => {
    let [tried, written] = [0, 0];
    fc.assert(
      fc.property(values, (entries) => {
        const { bytes, left } = write(entries);
        tried += 1;
        if (left.length > 0) return;
        written += 1;
        expect(readBack(Buffer.from(bytes).toString())).toEqual(entries);
      }),
      sampled(2000),
    );
    expect(written).toBeGreaterThan(tried / 2);
  });

  test("only values with a CR, a NUL, or several kinds of quotes in corner cases are refused", () => {
    const easy = value.filter((text) => !/[\r\0]|\\$/.test(text) && !(/'/.test(text) && /["`\\]/.test(text)));
    fc.assert(
      fc.property(easy, (text) => {
        expect(readBack(encoded([["K", text]]))).toEqual([["K", text]]);
      }),
      sampled(1000),
    );
  });

  test.each(Object.entries(RUN_READERS))("%s reads the same, unless it is named", async (reader, read) => {
    await using folder = await temporaryFolder();
    const text = fc.string({ unit: fc.constantFrom(...`ab$ #="'\`\\\n\r{}(*é~;&|<>!`), maxLength: 8 });
    const property = fc.asyncProperty(fc.array(text, { minLength: 180, maxLength: 180 }), async (texts) => {
      const all = texts.map((written, at) => [`K${at}`, written] as const);
      const { misread, left } = write(all);
      const others = [...misread.filter(({ readers }) => readers.includes(reader as Reader)), ...left].map(
        (item) => item.name,
      );
      const entries = all.filter(([key]) => !others.includes(key));
      const path = join(folder.path, ".env");
      await writeFile(path, encoded(entries));
      const names = entries.map(([key]) => key);
      expect(await read(path, names)).toEqual(entries.map(([, written]) => written));
    });
    await fc.assert(property, sampled(5));
  });

  test("the dotenv package reads the same where values have no quotes and backslashes", () => {
    const simple = fc.string({ unit: fc.constantFrom(..."ab$ #=\n\t{}é🔑"), maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, simple), { selector: ([it]) => it }), (entries) => {
        expect(Object.entries(parse(encoded(entries)))).toEqual(expect.arrayContaining(entries));
      }),
      sampled(500),
    );
  });
});

test("10 000 secrets, and one of 8 MiB", () => {
  const many = Array.from({ length: 10_000 }, (_, at) => [`KEY_${at}`, `it's value ${at}`] as const);
  expect(readBack(encoded(many))).toEqual(many);
  const large = "a line of it's own\n".repeat(450_000);
  expect(readBack(encoded([["LARGE", large]]))).toEqual([["LARGE", large]]);
});
