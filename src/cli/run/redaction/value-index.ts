import { Automaton } from "./automaton.ts";
import { type MaskedValue, MIN_MASKED_BYTES } from "./masked-values.ts";
import { SPELLINGS, type Spelling, spelledStarts } from "./spelling.ts";

/** The values to mask, and where in a text they may start. */
export class ValueIndex {
  readonly automaton: Automaton;
  /** The spellings that change some value. */
  readonly spellings: readonly Spelling[];
  /** In the automaton's order. */
  readonly #values: readonly { readonly name: string; readonly length: number }[];
  /** The first four bytes of all values, in every spelling. */
  readonly #starts = new Set<number>();
  /** Indexed by a hash of four bytes; rules out nearly every place in one step. */
  readonly #filter: Uint8Array;
  readonly #filterShift: number;
  /** The first one, two and three bytes of the values, for the end of a chunk. */
  readonly #beginnings = new Set<string>();

  /**
   * @param values each at least `MIN_MASKED_BYTES` long; of two equal ones, the first counts
   */
  constructor(values: readonly MaskedValue[]) {
    const unique = sortedOnce(values);
    this.#values = unique.map(({ name, bytes: { length } }) => ({ name, length }));
    this.automaton = new Automaton(unique.map(({ bytes }) => bytes));
    this.spellings = SPELLINGS.filter(({ special }) =>
      unique.some(({ bytes }) => special.test(asBuffer(bytes).toString())),
    );
    for (const { bytes } of unique) this.#addStarts(asBuffer(bytes.subarray(0, MAX_START_BYTES)));
    const bits = Math.min(22, Math.max(16, Math.ceil(Math.log2(this.#starts.size * 32 + 1))));
    this.#filter = new Uint8Array(2 ** bits);
    this.#filterShift = 32 - bits;
    for (const start of this.#starts) this.#filter[Math.imul(start, SPREAD) >>> this.#filterShift] = 1;
  }

  #addStarts(bytes: Buffer): void {
    const text = bytes.toString();
    const spellings = this.spellings.filter(({ special }) => special.test(text));
    const spelled = spellings.flatMap((spelling) => spelledStarts(text, spelling));
    for (const start of [bytes.toString("latin1"), ...spelled]) {
      this.#starts.add(Buffer.from(start.slice(0, MIN_MASKED_BYTES), "latin1").readUInt32BE(0));
      for (let length = 1; length < MIN_MASKED_BYTES; length++) this.#beginnings.add(start.slice(0, length));
    }
  }

  /** The next place from `at` on where a value may start, or one near the end. */
  skip(bytes: Buffer, at: number): number {
    const last = bytes.length - MIN_MASKED_BYTES;
    if (at > last) return at;
    const [filter, shift] = [this.#filter, this.#filterShift];
    let four = bytes.readUInt32BE(at);
    for (let place = at; ; ) {
      if (filter[Math.imul(four, SPREAD) >>> shift] !== 0 && this.#starts.has(four >>> 0)) return place;
      if (place === last) return place + 1;
      place++;
      four = (four << 8) | (bytes[place + MIN_MASKED_BYTES - 1] ?? 0);
    }
  }

  /** Whether a value may start at a place, as far as the bytes go. */
  mayStartAt(bytes: Buffer, place: number): boolean {
    if (bytes.length - place < MIN_MASKED_BYTES) return this.#beginnings.has(bytes.toString("latin1", place));
    return this.#starts.has(bytes.readUInt32BE(place));
  }

  nameOf(value: number): string {
    return this.#values[value]?.name ?? "";
  }

  lengthOf(value: number): number {
    return this.#values[value]?.length ?? 0;
  }
}

/** In the order of their bytes; of two equal ones, the first. */
function sortedOnce(values: readonly MaskedValue[]): readonly MaskedValue[] {
  // Most values differ in their first bytes, and numbers are quicker to compare.
  const keyed = values.map((value) => ({ value, key: asBuffer(value.bytes).readUInt32BE(0) }));
  keyed.sort((a, b) => a.key - b.key || Buffer.compare(a.value.bytes, b.value.bytes));
  return keyed.flatMap(({ value, key }, at) => {
    const before = keyed[at - 1];
    return before?.key === key && Buffer.compare(before.value.bytes, value.bytes) === 0 ? [] : [value];
  });
}

/** Four characters of UTF-8. */
const MAX_START_BYTES = 16;

/** Spreads four bytes over 32 bits (Fibonacci hashing). */
const SPREAD = 0x9e37_79b1;

export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
