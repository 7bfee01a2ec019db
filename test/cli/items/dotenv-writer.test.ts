import { execFileSync } from "node:child_process";
import { parse } from "dotenv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDotenv } from "../../../src/cli/items/dotenv.ts";
import { encodeDotenv } from "../../../src/cli/items/dotenv-writer.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import type { Item } from "../../../src/vault/format/item.ts";

const secret = (name: string, value: string): Item => ({
  id: "0011223344556677",
  name,
  kind: "secret",
  data: Secret.ofText(value),
});
const encoded = (values: readonly (readonly [string, string])[]): string =>
  Buffer.from(
    encodeDotenv(
      values.map(([name, value]) => secret(name, value)),
      "prod",
    ),
  ).toString();
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
    ["in backticks, where it has both other quotes", `it's "so"`, 'K=`it\'s "so"`\n'],
    ["in backticks, where double quotes would make a line end of \\n", "it's \\n", "K=`it's \\n`\n"],
    ["bare, where it has all three quotes", 'it\'s "so" `x`', 'K=it\'s "so" `x`\n'],
    ["bare, where it ends in a backslash", "C:\\dir name\\", "K=C:\\dir name\\\n"],
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
  ])("unless nothing keeps it: %s", (_what, name, value) => {
    const message = `${JSON.stringify(name)} cannot be written into a dotenv file: no quoting keeps it as it is`;
    const hint = `get it with vsync get prod ${name} --raw or --json; nothing was written`;
    const write = () =>
      encoded([
        ["A", "1"],
        [name, value],
      ]);
    expect(write).toThrow(expect.objectContaining({ name: "InputError", message, hint }));
  });
});

describe("properties", () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  const corners = fc.string({ unit: fc.constantFrom(..."ab$ #='\"`\\nr\n\r\t{}é🔑\ufeff\u2028"), maxLength: 12 });
  const value = fc.oneof(corners, fc.string({ unit: "grapheme" }), fc.base64String());
  const values = fc.uniqueArray(fc.tuple(name, value), { selector: ([it]) => it, maxLength: 8 });

  /** Null where it was refused. */
  const tryEncode = (entries: [string, string][]): string | null => {
    try {
      return encoded(entries);
    } catch (error) {
      expect(error).toMatchObject({ name: "InputError", message: expect.stringMatching(/^"\w+" cannot be written/) });
      return null;
    }
  };

  test("a written file reads back: names, values, order", () => {
    let written = 0;
    fc.assert(
      fc.property(values, (entries) => {
        const text = tryEncode(entries);
        if (text === null) return;
        written += 1;
        expect(readBack(text)).toEqual(entries);
      }),
      { numRuns: 2000 },
    );
    expect(written).toBeGreaterThan(1000);
  });

  test("only a value with a CR, a NUL, or two kinds of quotes and a corner is refused", () => {
    const easy = value.filter((text) => !/[\r\0]|\\$/.test(text) && !(/'/.test(text) && /["`\\]/.test(text)));
    fc.assert(
      fc.property(easy, (text) => {
        expect(readBack(encoded([["K", text]]))).toEqual([["K", text]]);
      }),
      { numRuns: 1000 },
    );
  });

  test("a shell that sources what is plain or in single quotes gets the same", () => {
    const shellSafe = fc.array(fc.string({ unit: fc.constantFrom(...'ab$ #="`\\\n{}(*é~;&|<>!'), maxLength: 12 }), {
      minLength: 40,
      maxLength: 40,
    });
    fc.assert(
      fc.property(shellSafe, (texts) => {
        const entries = texts.filter((text) => !text.endsWith("\\")).map((text, at) => [`K${at}`, text] as const);
        const print = entries.map(([key]) => `printf '%s\\0' "$${key}"`).join("\n");
        const read = execFileSync("sh", ["-c", `${encoded(entries)}${print}`], { encoding: "utf8" });
        expect(read.split("\0").slice(0, -1)).toEqual(entries.map(([, text]) => text));
      }),
      { numRuns: 10 },
    );
  });

  test("the dotenv package reads the same where values have no quotes and backslashes", () => {
    const simple = fc.string({ unit: fc.constantFrom(..."ab$ #=\n\t{}é🔑"), maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, simple), { selector: ([it]) => it }), (entries) => {
        expect(Object.entries(parse(encoded(entries)))).toEqual(expect.arrayContaining(entries));
      }),
      { numRuns: 500 },
    );
  });
});

test("10 000 secrets, and one of 8 MiB", () => {
  const many = Array.from({ length: 10_000 }, (_, at) => [`KEY_${at}`, `it's value ${at}`] as const);
  expect(readBack(encoded(many))).toEqual(many);
  const large = "a line of it's own\n".repeat(450_000);
  expect(readBack(encoded([["LARGE", large]]))).toEqual([["LARGE", large]]);
});
