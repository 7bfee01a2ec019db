import type { Refuse } from "./canonical-json.ts";

/*
 * Parsed JSON can take thirty times the memory of its text. For a header of 64 MiB that is more than many machines have,
 * so its values are counted before it is parsed (`docs/format.md` §8). A bundle that holds items stays far below.
 */

const MAX_VALUES = 4 * 1024 * 1024;
const MAX_MEMBERS = 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

/** @throws what `refuse` makes: more values in all, or more members in one object, than a bundle's JSON may have */
export function checkExtent(text: string, refuse: Refuse): void {
  let values = 1;
  /** Of the object that is open at each depth; a depth beyond the parser's limit is the parser's to refuse. */
  const members: number[] = [0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (OPENING.includes(code)) members.push(0);
    else if (CLOSING.includes(code)) members.pop();
    else if (code === COLON) members.push((members.pop() ?? 0) + 1);
    if (code === COMMA || OPENING.includes(code)) values++;
    if (values > MAX_VALUES) throw refuse(`has more than ${MAX_VALUES} JSON values`);
    if ((members.at(-1) ?? 0) > MAX_MEMBERS) throw refuse(`has an object of more than ${MAX_MEMBERS} members`);
  }
}

/** Where the string that starts at `from` ends; the end of the text, where it does not. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
