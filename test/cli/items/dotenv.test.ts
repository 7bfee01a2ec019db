import { parse } from "dotenv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDotenv } from "../../../src/cli/items/dotenv.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string) => parseDotenv(bytes(text), ".env");
const valuesOf = (text: string): Record<string, string> =>
  Object.fromEntries(read(text).entries.map(({ name, value }) => [name, value.exposeText()]));

describe("values", () => {
  test.each<[string, string, Record<string, string>]>([
    ["plain", "A=1\nB=two words", { A: "1", B: "two words" }],
    ["empty", "A=\nB= \nC=''\nD=\"\"", { A: "", B: "", C: "", D: "" }],
    ["trimmed", " A =  b  \t\n", { A: "b" }],
    ["export", "export A=1\n  export\tB='2'", { A: "1", B: "2" }],
    ["a variable named export", "export=1", { export: "1" }],
    ["single quotes", "A='b # c' # d", { A: "b # c" }],
    ["double quotes", 'A="b # c"# d', { A: "b # c" }],
    ["backticks", 'A=`it\'s "so"`', { A: 'it\'s "so"' }],
    [
      "\\n means something between double quotes only",
      "A=\"a\\nb\\rc\"\nB='a\\nb'\nC=a\\nb\nD=`a\\nb`",
      {
        A: "a\nb\rc",
        B: "a\\nb",
        C: "a\\nb",
        D: "a\\nb",
      },
    ],
    ["a backslash keeps a quote inside", "A=\"a\\\"b\"\nB='it\\'s'", { A: 'a\\"b', B: "it\\'s" }],
    [
      "# in values",
      "A=a#b\nB=a #b\nC=#b\nD= #b\nE=a\t# b\nF=##",
      { A: "a#b", B: "a", C: "#b", D: "", E: "a", F: "##" },
    ],
    ["no expansion", 'A=$HOME\nB=${A}\nC="$A"\nD=`$(id)`', { A: "$HOME", B: "${A}", C: "$A", D: "$(id)" }],
    ["= in values", 'A=b=c==\nB="="', { A: "b=c==", B: "=" }],
    ["JSON", 'A={"a": "b", "c": [1]}\nB=\'{"a":1}\'', { A: '{"a": "b", "c": [1]}', B: '{"a":1}' }],
    ["quotes within", "A=it's\nB=5\" disk", { A: "it's", B: '5" disk' }],
    [
      "multi-line",
      'A="-----BEGIN-----\nab=c\n#no comment\n\n-----END-----"\nB=1',
      {
        A: "-----BEGIN-----\nab=c\n#no comment\n\n-----END-----",
        B: "1",
      },
    ],
    ["multi-line in every quote", "A='a\nb'\nB=`a\nb` # c\nC=\"\n\"", { A: "a\nb", B: "a\nb", C: "\n" }],
    ["CRLF", 'A=1\r\nB="a\r\nb"\r\n\r\n# c\r\nC=\r\n', { A: "1", B: "a\nb", C: "" }],
    ["lone CR", "A=1\rB=2\r", { A: "1", B: "2" }],
    ["BOM", "\ufeffA=1", { A: "1" }],
    ["comments and empty lines", "# c\n\n   \n  # d\nA=1\n#B=2", { A: "1" }],
    ["nothing", "", {}],
    ["not ASCII", "A=zażółć 🎉\nB='日本'", { A: "zażółć 🎉", B: "日本" }],
    [
      "names of a prototype",
      "__proto__=1\nconstructor=2\ntoString=3",
      {
        ["__proto__"]: "1",
        constructor: "2",
        toString: "3",
      },
    ],
    ["no end of line after quotes", "A='x'", { A: "x" }],
  ])("%s", (_what, text, values) => {
    expect(Object.entries(valuesOf(text))).toEqual(Object.entries(values));
  });

  test("are not shown by accident", () => {
    expect(JSON.stringify(read("A=hunter2"))).toBe(
      '{"entries":[{"name":"A","line":1,"value":"[secret]"}],"warnings":[]}',
    );
  });

  test("10 000 of them, and one of 8 MiB", () => {
    const text = Array.from({ length: 10_000 }, (_, it) => `KEY_${it}="value ${it}"`).join("\n");
    expect(read(text).entries).toHaveLength(10_000);
    const large = "line of a large value\n".repeat(400_000);
    expect(valuesOf(`A='${large}'\nB=1`)).toEqual({ A: large, B: "1" });
  });
});

test("of two assignments to one name the last one counts, with a warning", () => {
  const { entries, warnings } = read("A=1\nB='x\ny'\nA=2\nA=3");
  expect(entries.map(({ name, line, value }) => [name, line, value.exposeText()])).toEqual([
    ["A", 5, "3"],
    ["B", 2, "x\ny"],
  ]);
  expect(warnings).toEqual([
    ".env: A is on line 1 and again on 4, which counts",
    ".env: A is on line 4 and again on 5, which counts",
  ]);
});

describe("what is refused names the line and shows no value", () => {
  test.each([
    ["no assignment", "A=1\nhunter2", ".env: line 2 is not an assignment"],
    ["a name alone", "export A", ".env: line 1 is not an assignment"],
    ["a colon", "A: hunter2", ".env: line 1 is not an assignment"],
    ["no name", "=hunter2", ".env: line 1 is not an assignment"],
    ["a dash in a name", "A=1\n\nmy-key=hunter2", ".env: line 3 has a name my-key that no variable can have"],
    ["a dot in a name", "my.key=hunter2", ".env: line 1 has a name my.key that no variable can have"],
    ["a digit first", "1A=hunter2", ".env: line 1 has a name 1A that no variable can have"],
    ["a name that looks like half a secret", "hunter2/+x==", ".env: line 1 has a name that no variable can have"],
    ["a long one", `${"hunter2-".repeat(20)}=`, ".env: line 1 has a name that no variable can have"],
    ["a letter that is not ASCII", "schlüssel=hunter2", ".env: line 1 has a name that no variable can have"],
    ["an open quote", "A=1\nB='hunter2\nC=3\n", ".env: line 2 opens a quote that is never closed"],
    ["an escaped quote that closes nothing", 'A="hunter2\\"', ".env: line 1 opens a quote that is never closed"],
    ["text after a quote", 'A="a" hunter2', ".env: line 1 goes on after the closing quote"],
    ["text after a quote on a later line", 'A="a\nb"hunter2', ".env: line 2 goes on after the closing quote"],
    ["NUL", "A=1\nB=hunter2\0", ".env: line 2 has a NUL character"],
  ])("%s", (_what, text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ name: "InputError", message }));
  });

  test("bytes that are not UTF-8", () => {
    const message = ".env is not UTF-8 text";
    expect(() => parseDotenv(Uint8Array.of(0x41, 0x3d, 0xff), ".env")).toThrow(expect.objectContaining({ message }));
  });
});

describe("properties", () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  // Where dotenv goes by other rules: a # within an unquoted value, a quote within a value quoted alike.
  const letters = fc.string({ unit: fc.constantFrom(..."ab$ ={}\\:,;.-_/ü🎉\t") });
  const unquoted = letters.filter((text) => !/^\s*$/.test(text)).map((text) => text.trim());
  const quoted = fc.tuple(fc.constantFrom("'", '"', "`"), letters, letters).map(([quote, a, b]) => {
    const inner = quote === "'" ? `${a}\n# "x" ${b}` : `${a}\r\n# 'x' ${b}`;
    return `${quote}${inner.replace(/\\+$/, "")}${quote}`;
  });
  const line = fc.oneof(
    fc.tuple(fc.constantFrom("", "export ", "  "), name, fc.constantFrom("=", " = ", "= "), fc.oneof(unquoted, quoted)),
    fc.constantFrom(["# comment"], [""], ["   "]),
  );
  const file = fc
    .tuple(fc.array(line), fc.constantFrom("\n", "\r\n"))
    .map(([lines, end]) => lines.map((parts) => parts.join("")).join(end));

  test("agree with dotenv", () => {
    fc.assert(
      fc.property(file, (text) => {
        expect(valuesOf(text)).toEqual(parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("what is between quotes is the value", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 200 }).map((it) => it.replace(/[`'\r\0]|\\+$/g, ""));
    fc.assert(
      fc.property(text, fc.constantFrom("'", "`"), (value, quote) => {
        expect(valuesOf(`A=${quote}${value}${quote}\nB=1`)).toEqual({ A: value, B: "1" });
      }),
      { numRuns: 1000 },
    );
  });

  test("whatever the bytes: entries or an InputError that quotes nothing", () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(..."AB=\n\r'\"`\\# \t$\0é") }).map(bytes),
    );
    fc.assert(
      fc.property(noise, (input) => {
        try {
          for (const entry of parseDotenv(input, ".env").entries)
            expect(entry.name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
        } catch (error) {
          expect(error).toMatchObject({
            name: "InputError",
            message: expect.stringMatching(/^\.env(: line \d+)? [a-zA-Z\w.U-]/),
          });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
