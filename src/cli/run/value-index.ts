import { type MaskedValue, MIN_MASKED_BYTES } from "./values.ts";

/** More bytes are needed to tell whether a value stands here. */
export const UNDECIDED = Symbol("undecided");

/** Finds which of many values stands at a place, the longest first. */
export class ValueIndex {
  /** By the first four bytes; longest first. */
  readonly #byStart = new Map<number, MaskedValue[]>();
  /** Which first two bytes there are: most places are passed over by one look at this. */
  readonly #pairs = new Uint8Array(0x1_0000);
  /** Which one, two and three bytes a value begins with, for the end of a chunk. */
  readonly #beginnings = new Set<string>();

  /** @param values of at least `MIN_MASKED_BYTES`; of two that are the same, the first counts */
  constructor(values: readonly MaskedValue[]) {
    const seen = new Set<string>();
    for (const value of values) {
      const key = Buffer.from(value.bytes).toString("latin1");
      if (seen.has(key)) continue;
      seen.add(key);
      this.#add(value, key);
    }
    for (const candidates of this.#byStart.values()) candidates.sort((a, b) => b.bytes.length - a.bytes.length);
  }

  #add(value: MaskedValue, key: string): void {
    const start = Buffer.from(value.bytes).readUInt32BE(0);
    const candidates = this.#byStart.get(start);
    if (candidates === undefined) this.#byStart.set(start, [value]);
    else candidates.push(value);
    this.#pairs[start >>> 16] = 1;
    for (let length = 1; length < MIN_MASKED_BYTES; length++) this.#beginnings.add(key.slice(0, length));
  }

  /** The next place from `at` on where a value may begin; the end where there is none. */
  skip(bytes: Buffer, at: number): number {
    const last = bytes.length - MIN_MASKED_BYTES;
    let place = at;
    while (place <= last && this.#pairs[((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0)] === 0) place++;
    return place;
  }

  /** @param isWhole nothing comes after these bytes */
  at(bytes: Buffer, place: number, isWhole: boolean): MaskedValue | typeof UNDECIDED | null {
    const left = bytes.length - place;
    if (left < MIN_MASKED_BYTES) {
      return !isWhole && this.#beginnings.has(bytes.toString("latin1", place)) ? UNDECIDED : null;
    }
    for (const value of this.#byStart.get(bytes.readUInt32BE(place)) ?? []) {
      const length = Math.min(value.bytes.length, left);
      if (bytes.compare(value.bytes, 0, length, place, place + length) !== 0) continue;
      if (length === value.bytes.length) return value;
      if (!isWhole) return UNDECIDED;
    }
    return null;
  }
}
