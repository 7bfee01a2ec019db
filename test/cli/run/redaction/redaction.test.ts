import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Automaton } from "../../../../src/cli/run/redaction/automaton.ts";
import { maskedValues, unmaskedNames } from "../../../../src/cli/run/redaction/masked-values.ts";
import { Redactor } from "../../../../src/cli/run/redaction/redaction.ts";
import { SPELLINGS, type Spelling, spelledStarts } from "../../../../src/cli/run/redaction/spelling.ts";
import { ValueIndex } from "../../../../src/cli/run/redaction/value-index.ts";
import { SEED, secret } from "../../exported-items.ts";

type Values = Readonly<Record<string, string>>;

const itemsOf = (values: Values) => Object.entries(values).map(([name, value]) => secret(name, value));
const indexOf = (values: Values) => new ValueIndex(maskedValues(itemsOf(values)));

const b64 = (text: string): string => Buffer.from(text).toString("base64");
const LONG = Array.from({ length: 9 }, (_, at) => `planted-${at}`).join("");
const BEGIN = "-----BEGIN KEY-----";
const PEM = `${BEGIN}\nplantedplanted1\nplantedplanted2\n`;

/** The output for an input that arrives in these chunks. */
function redacted(index: ValueIndex, chunks: readonly Uint8Array[]): Buffer {
  const redactor = new Redactor(index);
  return Buffer.concat([...chunks.map((chunk) => redactor.push(chunk)), redactor.end()]);
}

describe("a value is masked", () => {
  test.each<[string, Values, string[], string]>([
    ["in one chunk", { KEY: "planted" }, ["a planted b planted"], "a [KEY] b [KEY]"],
    ["across chunks", { KEY: "planted" }, ["a pl", "ant", "", "ed b"], "a [KEY] b"],
    ["byte by byte", { KEY: "plântéd🔑" }, Array.from("x plântéd🔑 y"), "x [KEY] y"],
    ["at the end", { KEY: "planted" }, ["a plan", "ted"], "a [KEY]"],
    ["the longest one", { A: "plan", B: "planted" }, ["plan planted plante"], "[A] [B] [A]te"],
    ["the longest one, when the end decides", { A: "plan", B: "planted" }, ["plan", "te"], "[A]te"],
    ["with another that begins in it", { A: "abcd", B: "bcdef", C: "efgh" }, ["abcd", "efgh."], "[A][B][C]."],
    ["after a beginning that led nowhere", { A: "aaab" }, ["aa", "aa", "ab"], "aa[A]"],
    [
      "in runs of one character",
      { A: "aaaaaa", B: "aaaab" },
      ["aaaaa aaaaaa aaa", "aaaaaab aaaab."],
      "aaaaa [A] [A][B] [B].",
    ],
    ["under the first of two names", { A: "same", B: "same" }, ["same"], "[A]"],
    ["without its last line break", { A: "planted\n" }, ["planted\nplanted "], "[A][A] "],
    ["in base64", { A: "planted!" }, ["cGxhbnRlZCE= cGxhbnRlZCE"], "[A] [A]"],
    ["in base64url", { A: "??>>??>>" }, ["Pz8-Pj8_Pj4"], "[A]"],
    ["percent-encoded, also with + for a space", { A: "a b/c@d" }, ["a%20b%2Fc%40d&a+b%2Fc%40d"], "[A]&[A]"],
    ["as in JSON", { A: 'a"b\nc' }, ['{"x":"a\\"b\\nc"}'], '{"x":"[A]"}'],
    [
      "in base64, after a user's name",
      { A: "s3cret-token" },
      [b64("ann:s3cret-token"), b64("x:s3cret-token!")],
      "YW5uOn[A]eDp[A]h",
    ],
    ["in base64, in lines", { A: LONG }, [(b64(LONG).match(/.{1,76}/g) ?? []).join("\n")], "[A]\n[A]"],
    ["in hex", { A: "planted" }, ["706c616e746564 706C616E746564"], "[A] [A]"],
    ["percent-encoded in either case, or as Python does", { A: "a/b@ä" }, ["a%2fb%40%c3%a4 a/b%40%C3%A4"], "[A] [A]"],
    [
      "as in JSON of other writers",
      { A: "ä/<&🔑" },
      ["\\u00e4\\/\\u003c\\u0026\\uD83D\\udd11 ä/\\u003C&🔑"],
      "[A] [A]",
    ],
    [
      "as in JSON within JSON",
      { A: 'a"\\\nc' },
      [JSON.stringify({ x: JSON.stringify({ y: 'a"\\\nc' }) })],
      '{"x":"{\\"y\\":\\"[A]\\"}"}',
    ],
    ["as in HTML", { A: `a&b'<"` }, ["a&amp;b&#39;&lt;&quot; a&#38;b&#x27;<&#34;"], "[A] [A]"],
    ["as a shell prints it", { A: "it's one" }, ["'it'\\''s one' 'it'\"'\"'s one'"], "'[A]' '[A]'"],
    ["with doubled quotes", { A: `it's "one"` }, [`'it''s "one"' "it's ""one""" 'it''s ""one""'`], `'[A]' "[A]" '[A]'`],
    ["as bytes", { A: "ä1é2" }, ["b'\\xc3\\xa41\\xc3\\xa92' \\303\\2441\\303\\2512"], "b'[A]' [A]"],
    [
      "as Python's ascii and Go print it",
      { A: "ä-€-🔑" },
      ["\\xe4-\\u20ac-\\U0001f511 \\u00e4-\\u20ac-\\U0001F511"],
      "[A] [A]",
    ],
    ["as bash quotes it", { A: "a b c", B: "x\x01y\x1bz" }, ["a\\ b\\ c $'x\\001y\\Ez'"], "[A] $'[B]'"],
    ["percent-encoded twice", { A: "a/b%c d" }, ["?next=a%252Fb%2525c%2520d"], "?next=[A]"],
    ["escaped here and there, again and again", { A: '"a"a""' }, ['\\"a\\"a\\"\\"a"a\\"" .'], "[A] ."],
    ["with an escape cut by a chunk", { A: "a&bc" }, ["{a\\u0", "0", "26bc}"], "{[A]}"],
    ["line by line", { A: PEM }, [PEM.replace(/^/gm, "12:00 ")], `12:00 ${BEGIN}\n12:00 [A]\n12:00 [A]\n12:00 `],
    [
      "line by line, if its line ends are written as \\n",
      { A: `{"key":"${PEM.replaceAll("\n", "\\n")}"}`, B: "first-of-two\\r\\nsecond-of-two\\\\nthird-of-three" },
      [PEM, " first-of-two\r\nsecond-of-two\nthird-of-three"],
      `${BEGIN}\n[A]\n[A]\n [B]\r\n[B]\n[B]`,
    ],
    [
      "without the white space or the quotes around it",
      { A: " \tplanted \n", B: '"in quotes"', C: "'it-s'" },
      ["planted, in quotes", ` ${b64("u:planted")} it-s`],
      "[A], [B] dTp[A] [C]",
    ],
    ["with other line ends", { A: PEM }, [PEM.replaceAll("\n", "\r\n")], "[A]"],
    ["from four bytes on", { A: "1234", B: "123", C: "" }, ["1234 123"], "[A] 123"],
    ["even if its name contains it", { planted: "planted" }, ["planted"], "[redacted]"],
    ["even if it looks like a mark", { redacted: "redacted", X: "[red" }, ["redacted [red"], "[*] [X]"],
  ])("%s", (_what, values, chunks, output) => {
    const bytes = chunks.map((it) => Buffer.from(it));
    const index = indexOf(values);
    expect(redacted(index, bytes).toString()).toBe(output);
    const all = Buffer.concat(bytes);
    for (let place = 0; place <= all.length; place++) {
      const cut = redacted(index, [all.subarray(0, place), all.subarray(place)]);
      expect(cut.toString(), `cut at ${place}`).toBe(output);
    }
  });
});

describe("takes a number of steps that grows only with the output", () => {
  const [BYTES, MOST_PER_BYTE] = [20_000, 32];
  const much = (period: string): string => period.repeat(1_000);
  test.each<[string, Values, string]>([
    ["a value that repeats itself", { A: `${much("ab")}c` }, "ab"],
    ["values of one byte", { A: `${much("a")}b`, B: much("a").slice(1) }, `${much("a").slice(2)}c`],
    ["several that begin alike", Object.fromEntries([..."cdefgh"].map((end) => [end, `${much("abb")}${end}`])), "abb"],
    ["ends that begin others", { A: `${much("abac")}d`, B: `${much("ba")}x`, C: `${much("ac")}y` }, "abac"],
    ["in hex", { A: `${much("\x12\x34")}c` }, "1234"],
    ["with escapes", { A: `${much('a"')}c` }, 'a\\"'],
    ["from within an escape on", { A: `n${much("a\n")}c` }, "a\\n"],
    ["backslashes", { A: `${much("\\")}c` }, "\\\\"],
    ["percent-encoded", { A: `${much("a/")}c`, B: `2${much("fa/")}c` }, "a%2f"],
  ])("%s", (_what, values, period) => {
    const index = indexOf(values);
    const text = Buffer.from(period.repeat(Math.ceil(BYTES / period.length)));
    using child = vi.spyOn(Automaton.prototype, "child");
    const whole = redacted(index, [text]);
    const steps = child.mock.calls.length;
    child.mockClear();
    expect(
      redacted(
        index,
        Array.from(text, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(whole);
    expect(Math.max(steps, child.mock.calls.length)).toBeLessThan(MOST_PER_BYTE * text.length);
  });
});

test("bytes that are not text pass unchanged", () => {
  const bytes = Buffer.from([0xff, 0xc3, 0, 0x80, 0x70, 0x6c]);
  expect(redacted(indexOf({ KEY: "planted" }), [bytes.subarray(0, 3), bytes.subarray(3)])).toEqual(bytes);
});

test("holds back only what may begin a value", () => {
  const redactor = new Redactor(indexOf({ KEY: "planted" }));
  const pushed = ["Password: ", "p", "l", "x", "plante", "d"].map((it) => redactor.push(Buffer.from(it)).toString());
  expect(pushed).toEqual(["Password: ", "", "", "plx", "", "[KEY]"]);
  expect(redactor.end().toString()).toBe("");
});

test("leaves short values and common words, and names them", () => {
  const values = { A: "123", B: "1234", C: "", D: "é1", E: "true", F: "PROD\n", G: "5432", H: "trueish" };
  expect(unmaskedNames(itemsOf(values))).toEqual(["A", "D", "E", "F", "G"]);
  const text = "1234 true prod 5432 trueish";
  expect(redacted(indexOf(values), [Buffer.from(text)]).toString()).toBe("[B] true prod 5432 [H]");
});

describe("properties", () => {
  // Few letters, so values overlap, begin alike, and appear in the text often. No mark contains these letters.
  const text = (maxLength: number) => fc.string({ unit: fc.constantFrom(..."ab\né%"), maxLength });
  const named = (all: readonly string[]): Values => Object.fromEntries(all.map((value, at) => [`K${at}`, value]));
  const cuts = fc.array(fc.nat(200), { maxLength: 12 });

  test("however the input is cut, the output is that of replacing in the whole text, and holds no value", () => {
    fc.assert(
      fc.property(fc.array(text(9), { maxLength: 6 }), text(120), cuts, (all, input, places) => {
        const masked = maskedValues(itemsOf(named(all)));
        const bytes = Buffer.from(input);
        const output = redacted(new ValueIndex(masked), cutAt(bytes, places));
        expect(output.toString("latin1")).toBe(replaced(bytes.toString("latin1"), masked));
        for (const value of all) if (Buffer.byteLength(value) >= 4) expect(output.includes(value)).toBe(false);
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  test("random values in random noise come out the same, however cut", () => {
    const value = fc.string({ unit: "grapheme", minLength: 4, maxLength: 30 }).map((it) => it.toWellFormed());
    const pieces = fc.array(fc.oneof(fc.nat(3), fc.string({ unit: "grapheme", maxLength: 8 })), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 4, maxLength: 4 }), pieces, cuts, (all, parts, places) => {
        const noise = parts.map((part) => (typeof part === "number" ? all[part] : part)).join("");
        const [bytes, index] = [Buffer.from(noise.toWellFormed()), indexOf(named(all))];
        expect(redacted(index, cutAt(bytes, places))).toEqual(redacted(index, [bytes]));
      }),
      { seed: SEED, numRuns: 400 },
    );
  });

  test("escaped values are found as if every place were tried, however the text is cut", () => {
    const value = fc.string({ unit: fc.constantFrom(..."ab\né%\\' "), minLength: 4, maxLength: 7 });
    const noise = fc.constantFrom(..."ab\\%'&", "\\n", "\\u00e9", "%25", "%C3", "&#233;", "+");
    const part = fc.oneof(noise, fc.record({ value: fc.nat(3), spelling: fc.nat(9), way: fc.nat(5), from: fc.nat(3) }));
    fc.assert(
      fc.property(
        fc.tuple(value, value, value, value),
        fc.array(part, { maxLength: 8 }),
        cuts,
        (all, parts, places) => {
          const masked = maskedValues(itemsOf(named(all)));
          const bytes = Buffer.from(
            parts.map((it) => (typeof it === "string" ? it : spelled(all[it.value], it))).join(""),
          );
          const output = redacted(new ValueIndex(masked), cutAt(bytes, places)).toString("latin1");
          expect(output).toBe(replaced(bytes.toString("latin1"), masked, SPELLINGS));
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  type Manner = Readonly<Record<"spelling" | "way" | "from", number>>;

  /** A value that is escaped from some character on. */
  function spelled(value = "", { spelling, way, from }: Manner): string {
    const { special, ways } = SPELLINGS[spelling % SPELLINGS.length] ?? { special: /^$/, ways: () => [] };
    const spell = (character: string) => ways(character)[way % ways(character).length] ?? character;
    return Array.from(value, (it, at) => (at >= from && special.test(it) ? spell(it) : it)).join("");
  }

  function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
    const ends = [...places.map((it) => it % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
    return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
  }

  /** The model: at each position the longest value, and all values that begin before it ends. */
  function replaced(
    input: string,
    masked: ReturnType<typeof maskedValues>,
    spellings: readonly Spelling[] = [],
  ): string {
    const values = masked.map(({ name, bytes }) => ({ name, value: Buffer.from(bytes).toString("latin1") }));
    const texts = masked.map(({ bytes }) => Buffer.from(bytes).toString());
    const escaped = texts.flatMap((it) => spellings.flatMap((spelling) => spelledStarts(it, spelling)));
    const starts = new Set([...values.map(({ value }) => value), ...escaped].map((it) => it.slice(0, 4)));
    const longestAt = (place: number) => {
      if (!starts.has(input.slice(place, place + 4))) return undefined;
      const lengths = values.map(({ name, value }) => ({ name, length: lengthAt(input, place, value, spellings) }));
      return lengths.filter(({ length }) => length > 0).toSorted((a, b) => b.length - a.length)[0];
    };
    let output = "";
    for (let place = 0; place < input.length; ) {
      const found = new Set<string>();
      let end = place;
      for (let at = place; at === place || at < end; at++) {
        const longest = longestAt(at);
        if (longest === undefined || at + longest.length <= end) continue;
        end = at + longest.length;
        found.add(`[${longest.name}]`);
      }
      output += end > place ? [...found].join("") : input[place];
      place = Math.max(end, place + 1);
    }
    return output;
  }

  /**
   * The length of the input that matches the value here: verbatim up to some position, then verbatim or in one of its
   * spellings.
   */
  function lengthAt(input: string, start: number, value: string, spellings: readonly Spelling[]): number {
    let longest = input.startsWith(value, start) ? value.length : 0;
    for (let plain = 0; plain < value.length && input.startsWith(value.slice(0, plain), start); plain++) {
      for (const { escape, read } of spellings) {
        let [at, readSoFar] = [start + plain, value.slice(0, plain)];
        while (at < input.length && readSoFar.length < value.length) {
          escape.lastIndex = at;
          const [found] = escape.exec(input) ?? [];
          readSoFar += found === undefined ? input[at] : read(found);
          at += found?.length ?? 1;
        }
        if (readSoFar === value) longest = Math.max(longest, at - start);
      }
    }
    return longest;
  }
});

test("2000 values that begin alike, and a long text without them", () => {
  const keys = Array.from({ length: 2000 }, (_, at) => [`K${at}`, `sk_live_${at.toString(36).padStart(20, "x")}`]);
  const line = Buffer.from("2026-01-01T00:00:00Z INFO GET /health 200 sk_live_none 3ms\n");
  const text = Buffer.concat(Array.from({ length: 2000 }, () => line));
  const output = redacted(indexOf(Object.fromEntries(keys)), [text, Buffer.from(keys[711]?.[1] ?? "")]);
  expect(output).toEqual(Buffer.concat([text, Buffer.from("[K711]")]));
});
