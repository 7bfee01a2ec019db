import { parse } from "dotenv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDotenv } from "../../../../src/cli/items/dotenv/dotenv.ts";
import { sampled } from "../../../support/samples.ts";
import { rows } from "../../rows.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string) => parseDotenv(bytes(text), ".env");
const valuesOf = (text: string): Record<string, string> =>
  Object.fromEntries(read(text).entries.map(({ name, value }) => [name, value.exposeText()]));

describe("values", () => {
  test.each(rows`
    A=1⏎B=two words                      │ {"A": "1", "B": "two words"}
    A=⏎B= ⏎C=''⏎D=""                     │ {"A": "", "B": "", "C": "", "D": ""}
    ␣A =  b  ⇥⏎                          │ {"A": "b"}
    export A=1⏎  export⇥B='2'            │ {"A": "1", "B": "2"}
    export=1                             │ {"export": "1"}
    A='b # c' # d                        │ {"A": "b # c"}
    A="b # c"# d                         │ {"A": "b # c"}
    A=TICKit's "so"TICK                  │ {"A": "it's \"so\""}
    A="a\nb\rc"⏎B='a\nb'⏎C=a\nb⏎D=TICKa\nbTICK │ {"A": "a\nb\rc", "B": "a\\nb", "C": "a\\nb", "D": "a\\nb"}
    A="a\"b"⏎B='it\'s'                   │ {"A": "a\\\"b", "B": "it\\'s"}
    A=a#b⏎B=a #b⏎C=#b⏎D= #b⏎E=a⇥# b⏎F=## │ {"A": "a#b", "B": "a", "C": "#b", "D": "", "E": "a", "F": "##"}
    A=$HOME⏎B=DOLLAR{A}⏎C="$A"⏎D=TICK$(id)TICK │ {"A": "$HOME", "B": "DOLLAR{A}", "C": "$A", "D": "$(id)"}
    A=b=c==⏎B="="                        │ {"A": "b=c==", "B": "="}
    A={"a": "b", "c": [1]}⏎B='{"a":1}'   │ {"A": "{\"a\": \"b\", \"c\": [1]}", "B": "{\"a\":1}"}
    A=it's⏎B=5" disk                     │ {"A": "it's", "B": "5\" disk"}
    A="---⏎ab=c⏎#no comment⏎⏎---"⏎B=1    │ {"A": "---\nab=c\n#no comment\n\n---", "B": "1"}
    A='C:\a\'⏎B='x'⏎C="D:\" # c   │ {"A": "C:\\a\\", "B": "x", "C": "D:\\"}
    A='a⏎b'⏎B=TICKa⏎bTICK # c⏎C="⏎"      │ {"A": "a\nb", "B": "a\nb", "C": "\n"}
    A=1⊣⏎B="a⊣⏎b"⊣⏎⊣⏎# c⊣⏎C=⊣⏎           │ {"A": "1", "B": "a\nb", "C": ""}
    A=1⊣B=2⊣                             │ {"A": "1", "B": "2"}
    BOMA=1                               │ {"A": "1"}
    # c⏎⏎   ⏎  # d⏎A=1⏎#B=2              │ {"A": "1"}
    ␣                                    │ {}
    A=zażółć 🎉⏎B='日本'                 │ {"A": "zażółć 🎉", "B": "日本"}
    __proto__=1⏎constructor=2⏎toString=3 │ {"__proto__": "1", "constructor": "2", "toString": "3"}
  `)("%j holds %s", (given = "", values = "") => {
    const signs = (text: string) => text.replaceAll("TICK", "`").replaceAll("DOLLAR", "$").replace("BOM", "\ufeff");
    expect(Object.entries(valuesOf(signs(given)))).toEqual(Object.entries(JSON.parse(signs(values)) as object));
  });

  test("are not shown by accident", () => {
    const shown = '[{"name":"A","line":1,"lastLine":1,"end":9,"value":"[secret]","doubt":null}]';
    expect(JSON.stringify(read("A=hunter2").entries)).toBe(shown);
  });

  test("10 000 of them, and one of 8 MiB", () => {
    const text = Array.from({ length: 10_000 }, (_, it) => `KEY_${it}="value ${it}"`).join("\n");
    expect(read(text).entries).toHaveLength(10_000);
    const large = "line of a large value\n".repeat(400_000);
    expect(valuesOf(`A='${large}'\nB=1`)).toEqual({ A: large, B: "1" });
  });
});

test("the last of two assignments to one name counts, with a warning", () => {
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

test("values that tools read in different ways are named", () => {
  const doubtful = ["A=a #b", "B=a\t#b", "C=$$", 'D="$$x"', "E=a$b", 'F="${b}"', "G=a\\nb", "H=a\\$b", "I='a\\\\b'"];
  const more = ['J="a\\\\nb"', 'K="a\\tb"', 'L="C:\\d\\"', "M='it\\'s'", "N=a#b", "O=$(id)", "P=C:\\d\\", "Q=1; R=2"];
  const plain = [
    "$5",
    "C:\\dir",
    "'$$ $a ${b} #c'",
    '"a\\nb #c"',
    "'C:\\d\\'",
    '"x" # c',
    "a=b",
    "Server=a;Database=b; User=c",
  ];
  expect(
    read([...doubtful, ...more].join("\n"))
      .doubts.map(({ name }) => name)
      .join(""),
  ).toBe("ABCDEFGHIJKLMNOPQ");
  expect(read(plain.map((text, at) => `P${at}=${text}`).join("\n")).doubts).toEqual([]);
});

describe("a refusal names the line, and shows no value", () => {
  test.each(rows`
    A=1⏎hunter2         │ .env: line 2 is not an assignment
    export A            │ .env: line 1 is not an assignment
    A=1⏎<<<<<<< HEAD=2  │ .env: line 2 is a conflict marker that git left in the file
    A=1⏎=======⏎A=2     │ .env: line 2 is a conflict marker that git left in the file
    A: hunter2          │ .env: line 1 is not an assignment
    =hunter2            │ .env: line 1 is not an assignment
    A=1⏎⏎my-key=hunter2 │ .env: line 3 has a name my-key that no variable can have
    my.key=hunter2      │ .env: line 1 has a name my.key that no variable can have
    1A=hunter2          │ .env: line 1 has a name 1A that no variable can have
    hunter2/+x==        │ .env: line 1 has a name that no variable can have
    LONG=               │ .env: line 1 has a name that no variable can have
    schlüssel=hunter2   │ .env: line 1 has a name that no variable can have
    A=1⏎B='hunter2⏎C=3⏎ │ .env: line 2 opens a quote that is never closed
    A="hunter2\"x       │ .env: line 1 opens a quote that is never closed
    A="a" hunter2       │ .env: line 1 continues after its closing quote
    A="a⏎b"hunter2      │ .env: line 1 continues after its closing quote, which is on line 2
    A=1⏎B='hunter2\'x⏎C='' │ .env: line 2 continues after its closing quote, which is on line 3
    A=1⏎B=hunter2␀      │ .env: line 2 has a NUL character
  `)("%j", (given = "", message) => {
    const text = given.replace("LONG", "hunter2-".repeat(20));
    expect(() => read(text)).toThrow(expect.objectContaining({ name: "InputError", message }));
  });

  test("bytes that are not UTF-8", () => {
    const message = ".env: line 2 is not UTF-8 text";
    expect(() => parseDotenv(Uint8Array.of(0x23, 0x0a, 0x41, 0x3d, 0xff), ".env")).toThrow(
      expect.objectContaining({ message }),
    );
  });
});

describe("properties", () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  // Left out, because dotenv has other rules: # within an unquoted value, and a quote within its own kind.
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
      sampled(1000),
    );
  });

  test("the value is the text between the quotes", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 200 }).map((it) => it.replace(/[`'\r\0]|\\+$/g, ""));
    fc.assert(
      fc.property(text, fc.constantFrom("'", "`"), (value, quote) => {
        expect(valuesOf(`A=${quote}${value}${quote}\nB=1`)).toEqual({ A: value, B: "1" });
      }),
      sampled(1000),
    );
  });

  test("any bytes give entries, or an InputError that quotes nothing", () => {
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
      sampled(2000),
    );
  });
});
