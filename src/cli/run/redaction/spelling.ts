/**
 * How programs escape text. Each way allows several spellings of one text (in JSON, `/` is `/`, `\/` or `\u002f`), so
 * values are found by decoding the output, not by listing every spelling.
 */

export interface Spelling {
  /** Characters that some program writes with an escape. */
  readonly special: RegExp;
  /**
   * Everything that a program may write for such a character, including the character itself if some programs leave it
   * alone.
   */
  readonly ways: (character: string) => readonly string[];
  /** Matches an escape at a position of a latin1 text. */
  readonly escape: RegExp;
  /** The bytes that an escape stands for, as a latin1 text. */
  readonly read: (escape: string) => string;
}

/** No escape is longer than a surrogate pair with doubled backslashes. */
export const MAX_ESCAPE_CHARACTERS = 14;

/** Every escape begins with one of these: `"` `%` `&` `'` `+` `\`. */
export const MARKERS = new Uint8Array(256);
for (const character of "\"%&'+\\") MARKERS[character.charCodeAt(0)] = 1;

/** Empty for a code that is not a character. */
const fromCode = (code: number): string => latin1(code > 0x10_ffff ? "" : String.fromCodePoint(code).toWellFormed());

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

/** JSON has five of these; Go and bash write the others. */
const SHORT: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const SHORT_OF = new Map(Object.entries(SHORT).map(([letter, character]) => [character, letter]));

const hexOf = (code: number, digits: number): string => code.toString(16).padStart(digits, "0");

/** `\u00e4`; for a character outside the BMP, both surrogates, and `\U0001f600` as Python and Go write it. */
function unicodeEscapes(character: string, backslash: string): readonly string[] {
  const halves = Array.from({ length: character.length }, (_, at) => hexOf(character.charCodeAt(at), 4));
  const escapes = [halves.map((half) => `${backslash}u${half}`).join("")];
  if (halves.length > 1) escapes.push(`${backslash}U${hexOf(character.codePointAt(0) ?? 0, 8)}`);
  return escapes.flatMap(withUpperHex);
}

const withUpperHex = (escape: string): readonly string[] => [
  escape,
  escape.replace(/[0-9a-f]+$/, (hex) => hex.toUpperCase()),
];

/** `\xc3\xa4` as Python prints bytes, `\303\244` as bash and git do; also for control characters. */
function bytesOf(character: string, backslash: string): readonly string[] {
  if (/[ -~]/.test(character)) return [];
  const bytes = [...Buffer.from(character)];
  return [
    bytes.map((byte) => `${backslash}x${hexOf(byte, 2)}`).join(""),
    bytes.map((byte) => `${backslash}${byte.toString(8).padStart(3, "0")}`).join(""),
  ];
}

/** A JSON string; with `depth` 2, one inside another, where each backslash is doubled. */
function jsonSpelling(depth: 1 | 2): Spelling {
  const backslash = "\\".repeat(depth);
  const quote = depth === 1 ? '\\"' : '\\\\\\"';
  const doubled = backslash.repeat(2);
  return {
    special: /[^A-Za-z0-9_]/u,
    ways(character) {
      const unicode = [...unicodeEscapes(character, backslash), ...bytesOf(character, backslash)];
      if (character === '"') return [quote, ...unicode];
      if (character === "\\") return [doubled, ...unicode];
      const letter = SHORT_OF.get(character);
      if (letter !== undefined) return [`${backslash}${letter}`, ...unicode];
      return [character, `${backslash}${character}`, ...unicode];
    },
    escape:
      depth === 1
        ? /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|[^ux])/y
        : /\\\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|\\\\|\\"|[^ux\\])/y,
    read(escape) {
      const text = escape.slice(depth);
      if (/^u./.test(text)) {
        return latin1(
          text
            .split(/\\*u/)
            .slice(1)
            .map((hex) => String.fromCharCode(Number.parseInt(hex, 16)))
            .join("")
            .toWellFormed(),
        );
      }
      if (/^x./.test(text)) return String.fromCharCode(Number.parseInt(text.slice(1), 16));
      if (/^U./.test(text)) return fromCode(Number.parseInt(text.slice(1), 16));
      if (/^[0-3][0-7]{2}$/.test(text)) return String.fromCharCode(Number.parseInt(text, 8));
      const last = text.slice(-1);
      return SHORT[last] ?? last;
    },
  };
}

const JSON_TEXT = jsonSpelling(1);

/** Python's `ascii`, and its stderr in the C locale: `\xe4` is the character U+00E4, not a byte. */
const PYTHON: Spelling = {
  ...JSON_TEXT,
  special: /[\u0080-\u00ff]/u,
  ways: (character) => [...JSON_TEXT.ways(character), ...withUpperHex(`\\x${hexOf(character.codePointAt(0) ?? 0, 2)}`)],
  read: (escape) => (escape[1] === "x" ? fromCode(Number.parseInt(escape.slice(2), 16)) : JSON_TEXT.read(escape)),
};

/** Percent-encoding (RFC 3986 §2.1), with `%25` for `%` in a URL inside a URL. With `isForm`, `+` is a space. */
function percentSpelling(isForm: boolean, percent: "%" | "%25" = "%"): Spelling {
  return {
    special: /[^A-Za-z0-9_]/u,
    ways(character) {
      const encoded = Array.from(Buffer.from(character), (byte) => `${percent}${hexOf(byte, 2)}`).join("");
      const ways = [encoded, encoded.toUpperCase()];
      if (character === "%") return ways;
      return isForm && character === " " ? ["+", ...ways] : isForm && character === "+" ? ways : [character, ...ways];
    },
    escape: isForm ? /%[0-9a-fA-F]{2}|\+/y : percent === "%" ? /%[0-9a-fA-F]{2}/y : /%25[0-9a-fA-F]{2}/y,
    read: (escape) => (escape === "+" ? " " : String.fromCharCode(Number.parseInt(escape.slice(-2), 16))),
  };
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const HTML: Spelling = {
  special: /[^A-Za-z0-9_ ]/u,
  ways(character) {
    const code = character.codePointAt(0) ?? 0;
    const named = Object.keys(NAMED).filter((name) => NAMED[name] === character);
    const numbers = [`#${code}`, `#0${code}`, `#x${code.toString(16)}`, `#X${code.toString(16)}`];
    const escapes = [...named, ...numbers].map((it) => `&${it};`);
    return character === "&" ? escapes : [character, ...escapes];
  },
  escape: /&(?:#0*\d{1,7}|#[xX]0*[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);/y,
  read(escape) {
    const text = escape.slice(1, -1);
    const named = NAMED[text];
    if (named !== undefined) return named;
    const code = /^#x/i.test(text) ? Number.parseInt(text.slice(2), 16) : Number.parseInt(text.slice(1), 10);
    return fromCode(code);
  },
};

/** A shell's single quotes, as `sh -x` prints an argument. */
const SHELL: Spelling = {
  special: /'/,
  ways: () => ["'\\''", `'"'"'`],
  escape: /'(?:\\'|"'")'/y,
  read: () => "'",
};

/** Doubled quotes, as in SQL, CSV and YAML. */
const DOUBLED: Spelling = {
  special: /['"]/,
  ways: (quote) => [quote, quote + quote],
  escape: /''|""/y,
  read: (escape) => escape.slice(1),
};

export const SPELLINGS: readonly Spelling[] = [
  JSON_TEXT,
  jsonSpelling(2),
  PYTHON,
  percentSpelling(false),
  percentSpelling(true),
  percentSpelling(false, "%25"),
  HTML,
  SHELL,
  DOUBLED,
];

/** Every possible first four bytes of a text in this spelling, as latin1 texts of at least 4 characters. */
export function spelledStarts(text: string, { special, ways }: Spelling): readonly string[] {
  let starts: readonly string[] = [""];
  for (const character of text) {
    if (starts.every((start) => start.length >= 4)) break;
    const next = special.test(character) ? ways(character).map(latin1) : [character];
    starts = starts.flatMap((start) => (start.length >= 4 ? [start] : next.map((way) => start + way)));
  }
  return starts.filter((start) => start.length >= 4);
}
