import { type MaskedValue, MIN_MASKED_BYTES } from "./masked-values.ts";
import { MARKERS, MAX_ESCAPE_CHARACTERS, SPELLINGS, type Spelling, spelledStarts } from "./spelling.ts";

/** It takes more bytes to tell whether a value starts here, or where it ends. */
export const UNDECIDED = Symbol("undecided");

export interface Found {
  readonly name: string;
  readonly length: number;
}

/** A piece of a program's output. */
export interface Passage {
  readonly bytes: Buffer;
  /** Whether the output ends here. */
  readonly isWhole: boolean;
}

/**
 * Finds the longest of many values that starts at a place, plain or escaped. The time depends neither on the number of
 * values nor on how many begin alike.
 */
export class ValueIndex {
  readonly #plain: SortedValues;
  readonly #spelled: readonly SortedValues[];
  /** The first four bytes of all values, in every spelling. */
  readonly #starts = new Set<number>();
  /** Indexed by a hash of four bytes; rules out nearly every place in one step. */
  readonly #filter: Uint8Array;
  readonly #filterShift: number;
  /** For values that begin with one byte four times or more, by that byte. */
  readonly #runs = new Map<number, Run>();
  /** The first one, two and three bytes of the values, for the end of a chunk. */
  readonly #beginnings = new Set<string>();

  /**
   * @param values each at least `MIN_MASKED_BYTES` long; of two equal ones, the first counts
   */
  constructor(values: readonly MaskedValue[]) {
    const once = new Map<string, MaskedValue>();
    for (const value of values) {
      const key = Buffer.from(value.bytes).toString("latin1");
      if (!once.has(key)) once.set(key, value);
      this.#addStart(key);
    }
    const unique = [...once.values()];
    for (const { bytes } of unique) this.#noteRun(bytes);
    this.#plain = new SortedValues(unique, null);
    this.#spelled = SPELLINGS.flatMap((spelling) => this.#spell(unique, spelling));
    const bits = Math.min(22, Math.max(16, Math.ceil(Math.log2(this.#starts.size * 32 + 1))));
    this.#filter = new Uint8Array(2 ** bits);
    this.#filterShift = 32 - bits;
    for (const start of this.#starts) this.#filter[Math.imul(start, SPREAD) >>> this.#filterShift] = 1;
  }

  #spell(values: readonly MaskedValue[], spelling: Spelling): readonly SortedValues[] {
    const spelled = values.filter(({ bytes }) => {
      const text = Buffer.from(bytes).toString();
      if (!spelling.special.test(text)) return false;
      for (const start of spelledStarts(text, spelling)) this.#addStart(start);
      return true;
    });
    return spelled.length === 0 ? [] : [new SortedValues(spelled, spelling)];
  }

  #noteRun(bytes: Uint8Array): void {
    const lead = runEnd(bytes, 0);
    const [byte = 0] = bytes;
    if (lead < MIN_MASKED_BYTES || MARKERS[byte] !== 0) return;
    const run = this.#runs.get(byte) ?? { leads: new Set(), most: 0, ...NO_WHOLE };
    this.#runs.set(byte, run);
    if (lead === bytes.length) {
      run.shortestWhole = Math.min(run.shortestWhole, lead);
      run.longestWhole = Math.max(run.longestWhole, lead);
    } else run.leads.add(lead);
    run.most = Math.max(...run.leads, 0);
  }

  #addStart(text: string): void {
    this.#starts.add(Buffer.from(text.slice(0, MIN_MASKED_BYTES), "latin1").readUInt32BE(0));
    for (let length = 1; length < MIN_MASKED_BYTES; length++) this.#beginnings.add(text.slice(0, length));
  }

  /**
   * The next place from `at` on where a value may start, or one near the end.
   *
   * In a run of one byte, a value that continues with another byte can start at only one place. Trying them all would
   * take time quadratic in the run's length.
   *
   * @param isRunMasked the run at `at` is already masked: only values that extend beyond it count
   */
  skip(passage: Passage, at: number, isRunMasked = false): number {
    const place = this.#skipByFilter(passage.bytes, at);
    const run = this.runAt(passage, place);
    if (run === null || (run.isValue && !isRunMasked)) return place;
    const { end, isOpen, leads, most } = run;
    if (isOpen && !isRunMasked && run.shortestWhole !== Number.POSITIVE_INFINITY) return place;
    if (isOpen) return Math.max(place, end - Math.max(most, MIN_MASKED_BYTES - 1));
    const fitting = [...leads].filter((lead) => lead <= end - place);
    return end - Math.max(...fitting, MIN_MASKED_BYTES - 1);
  }

  /** The run of one byte at a place, if a value may start in it. Null if an escape may continue it. */
  runAt({ bytes, isWhole }: Passage, place: number): RunAt | null {
    const [byte = 0, next] = [bytes[place], bytes[place + 1]];
    const run = byte === next ? this.#runs.get(byte) : undefined;
    if (run === undefined) return null;
    // Cached, because a run of megabytes is looked up at many places.
    if (!(bytes === this.#known.bytes && place >= this.#known.from && place < this.#known.end)) {
      this.#known = { bytes, from: place, end: runEnd(bytes, place) };
    }
    const { end } = this.#known;
    if (end - place < MIN_MASKED_BYTES || MARKERS[bytes[end] ?? 0] !== 0) return null;
    return { ...run, end, isOpen: end === bytes.length && !isWhole, isValue: end - place >= run.shortestWhole };
  }

  /** Up to where the bytes decide about those at `place`. A masked run may be megabytes longer than any value. */
  deciding(passage: Passage, place: number): number {
    const run = this.runAt(passage, place);
    return run?.isOpen && run.isValue ? run.end - Math.max(run.most, run.longestWhole) : place;
  }

  #known: { readonly bytes: Buffer; readonly from: number; readonly end: number } = {
    bytes: Buffer.alloc(0),
    from: 0,
    end: 0,
  };

  #skipByFilter(bytes: Buffer, at: number): number {
    const last = bytes.length - MIN_MASKED_BYTES;
    if (at > last) return at;
    const [filter, shift] = [this.#filter, this.#filterShift];
    let four = bytes.readUInt32BE(at);
    for (let place = at; ; ) {
      if (filter[Math.imul(four, SPREAD) >>> shift] !== 0) return place;
      if (place === last) return place + 1;
      place++;
      four = (four << 8) | (bytes[place + MIN_MASKED_BYTES - 1] ?? 0);
    }
  }

  at(passage: Passage, place: number): Found | typeof UNDECIDED | null {
    const { bytes, isWhole } = passage;
    if (bytes.length - place < MIN_MASKED_BYTES) {
      return !isWhole && this.#beginnings.has(bytes.toString("latin1", place)) ? UNDECIDED : null;
    }
    if (!this.#starts.has(bytes.readUInt32BE(place))) return null;
    let longest = this.#plain.at(passage, place);
    // If no escape comes before the first difference, all spellings read the same bytes.
    if (longest !== UNDECIDED && !this.#plain.hasMetMarker) return longest;
    for (const values of this.#spelled) {
      const found = values.at(passage, place);
      if (found === UNDECIDED || longest === UNDECIDED) return UNDECIDED;
      if (found !== null && found.length > (longest?.length ?? 0)) longest = found;
    }
    return longest;
  }
}

/** The values that begin with one byte four times or more. */
interface Run {
  /** How often the byte is repeated, in values that continue with another one. */
  readonly leads: Set<number>;
  most: number;
  /** The lengths of values that consist only of this byte. */
  shortestWhole: number;
  longestWhole: number;
}

const NO_WHOLE = { shortestWhole: Number.POSITIVE_INFINITY, longestWhole: 0 };

interface RunAt extends Readonly<Run> {
  readonly end: number;
  /** Whether it may continue in the next chunk. */
  readonly isOpen: boolean;
  readonly isValue: boolean;
}

function runEnd(bytes: Uint8Array, from: number): number {
  let end = from + 1;
  while (end < bytes.length && bytes[end] === bytes[from]) end++;
  return end;
}

/** Spreads four bytes over 32 bits (Fibonacci hashing). */
const SPREAD = 0x9e37_79b1;

/** Values sorted by their bytes, so those with a common beginning are adjacent. */
class SortedValues {
  readonly #values: readonly MaskedValue[];
  readonly #spelling: Spelling | null;
  /** The range of values that match what was read so far. */
  #low = 0;
  #high = 0;

  /**
   * @param spelling how to decode the output; null leaves it as it is
   */
  constructor(values: readonly MaskedValue[], spelling: Spelling | null) {
    this.#values = values.toSorted((a, b) => Buffer.compare(a.bytes, b.bytes));
    this.#spelling = spelling;
  }

  /** Whether the last search met a byte that begins an escape in some spelling. */
  hasMetMarker = false;

  /** The longest value that starts at a place. */
  at({ bytes, isWhole }: Passage, place: number): Found | typeof UNDECIDED | null {
    this.hasMetMarker = false;
    this.#low = 0;
    this.#high = this.#values.length;
    let depth = 0;
    let longest: Found | null = null;
    for (let from = place; ; ) {
      const shortest = this.#low < this.#high ? this.#values[this.#low] : undefined;
      if (shortest?.bytes.length === depth) {
        longest = { name: shortest.name, length: from - place };
        this.#low++;
      }
      if (this.#low >= this.#high) return longest;
      if (from >= bytes.length) return isWhole ? longest : UNDECIDED;
      const byte = bytes[from] ?? 0;
      const escape = MARKERS[byte] === 0 ? null : this.#escapeAt(bytes, from, isWhole);
      if (escape === UNDECIDED) return UNDECIDED;
      if (escape === null) {
        this.#narrow(byte, depth++);
        from++;
      } else {
        for (const character of this.#spelling?.read(escape) ?? "") this.#narrow(character.charCodeAt(0), depth++);
        from += escape.length;
      }
    }
  }

  /** The escape at this position, or null. Undecided if the bytes may end inside one. */
  #escapeAt(bytes: Buffer, from: number, isWhole: boolean): string | typeof UNDECIDED | null {
    this.hasMetMarker = true;
    if (this.#spelling === null) return null;
    const ahead = bytes.toString("latin1", from, from + MAX_ESCAPE_CHARACTERS);
    if (ahead.length < MAX_ESCAPE_CHARACTERS && !isWhole) return UNDECIDED;
    const { escape } = this.#spelling;
    escape.lastIndex = 0;
    return escape.exec(ahead)?.[0] ?? null;
  }

  /** Narrows the range to values with this byte at `depth`. */
  #narrow(byte: number, depth: number): void {
    const isOfAll = this.#byteOf(this.#low, depth) === byte && this.#byteOf(this.#high - 1, depth) === byte;
    if (isOfAll || this.#low >= this.#high) return;
    this.#low = this.#firstFrom(byte, depth);
    this.#high = this.#firstFrom(byte + 1, depth);
  }

  /** The first value of the range whose byte at `depth` is at least `byte`. */
  #firstFrom(byte: number, depth: number): number {
    let from = this.#low;
    let to = this.#high;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#byteOf(middle, depth) < byte) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** -1 beyond the end of the value. */
  #byteOf(index: number, depth: number): number {
    return this.#values[index]?.bytes[depth] ?? -1;
  }
}
