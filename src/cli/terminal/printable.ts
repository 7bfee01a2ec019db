/**
 * Text from elsewhere (names, notes, a server's response) may contain terminal escape sequences, line breaks that forge
 * a line of output, or marks that reorder text. None of these may reach a terminal or a log.
 */

// C0 and C1 controls, DEL, line and paragraph separators, bidirectional marks, invisible characters, lone surrogates, and the two that YAML forbids.
// As ranges: V8 asks ICU for each class such as \p{Cc}, which took 3 of the 185 million instructions of a start.
const UNPRINTABLE =
  /[\0-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text on one line, with everything escaped that a terminal acts on: `\n`, `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character));
}

/** The value as JSON that is safe on a terminal. */
export function printableJson(value: unknown): string {
  return safeJson(JSON.stringify(value, null, 2));
}

/** The same JSON, with more escapes. */
export function safeJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => (character === "\n" ? character : jsonEscape(character)));
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : jsonEscape(character);
}

function jsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
