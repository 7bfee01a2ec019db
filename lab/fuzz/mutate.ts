import type { Dice } from "../soak/dice.ts";

const NUMBERS = ["0", "1", "-1", "9007199254740991", "9007199254740992", "1e3", "0.5", "007"];
const WORDS = [
  "__proto__",
  "constructor",
  "\\u0000",
  "\\ud800",
  "\u2028",
  "..",
  "//",
  "\ufeff",
  "null",
  "[]",
  "{}",
  '""',
];
/** Longer inputs find no more than shorter ones. */
const LONGEST_BYTES = 8192;

/** Changes a known input in a few ways that make parsers stumble, sometimes with pieces of another input. */
export function mutated(dice: Dice, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  let now: Buffer = Buffer.from(bytes);
  for (let left = dice.between(1, 4); left > 0; left--) now = change(dice, now, other);
  return now.subarray(0, LONGEST_BYTES);
}

function change(dice: Dice, now: Buffer, other: Uint8Array): Buffer {
  const at = dice.between(0, now.length);
  const length = dice.between(0, Math.min(16, now.length - at));
  switch (dice.weighted({ flip: 4, drop: 2, double: 2, cut: 1, put: 3, word: 3, number: 2, member: 3, splice: 2 })) {
    case "flip":
      return spliced(now, at, 1, [(now[at] ?? 0) ^ (1 << dice.between(0, 7))]);
    case "drop":
      return spliced(now, at, length, []);
    case "double":
      return spliced(now, at, 0, now.subarray(at, at + length));
    case "cut":
      return now.subarray(0, at);
    case "put":
      return spliced(now, at, dice.between(0, 1), [dice.between(0, 255)]);
    case "word":
      return spliced(now, at, length, Buffer.from(dice.pick(WORDS)));
    case "number":
      return replaced(dice, now, /\d+/g, dice.pick(NUMBERS));
    case "member":
      return replaced(dice, now, /"[^"\\]{0,40}"(?::|,)?/g, dice.pick(["", '"a",', '"a":1,', '"A"', "1", "null,"]));
    case "splice":
      return spliced(now, at, length, Buffer.from(other).subarray(dice.between(0, other.length)).subarray(0, 64));
  }
}

function spliced(now: Buffer, at: number, drop: number, put: Iterable<number>): Buffer {
  return Buffer.concat([now.subarray(0, at), Buffer.from([...put]), now.subarray(at + drop)]);
}

/** Replaces one match of the pattern. */
function replaced(dice: Dice, now: Buffer, pattern: RegExp, put: string): Buffer {
  const text = now.toString("latin1");
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return now;
  const match = dice.pick(found);
  return spliced(now, match.index, match[0].length, Buffer.from(put));
}
