import type { Spelling } from "./spelling.ts";

/** Decodes the output in one spelling, for as long as the result agrees with the beginning of a value. */
export class Reading {
  readonly spelling: Spelling;
  /** The automaton's node for what was decoded. */
  node: number;
  /** Where in the output the next byte or escape begins. */
  at: number;
  /** The number of bytes decoded since the first escape. */
  #count = 0;
  /** How many more bytes the escapes take than what they decode to. */
  #surplus = 0;
  /** Both numbers after each escape. */
  #escapes: Escape[] = [];

  /**
   * @param node for the plain bytes before the first escape
   */
  constructor(spelling: Spelling, node: number, at: number) {
    this.spelling = spelling;
    this.node = node;
    this.at = at;
  }

  /** Moves past an escape, or past one byte. */
  pass(length: number, bytes: number): void {
    this.at += length;
    this.#count += bytes;
    this.#surplus += length - bytes;
    if (length !== bytes) this.#escapes.push({ count: this.#count, surplus: this.#surplus });
  }

  /** Where in the output the last `length` decoded bytes begin. */
  startOf(length: number): number {
    const surplusBefore = this.#escapes[this.#lastBefore(length)]?.surplus ?? 0;
    return this.at - length - (this.#surplus - surplusBefore);
  }

  /** Drops what `startOf` needs for more than `length` bytes. */
  forgetBefore(length: number): void {
    const last = this.#lastBefore(length);
    if (last > 0) this.#escapes = this.#escapes.slice(last);
  }

  /** The last escape before the last `length` decoded bytes, or -1. */
  #lastBefore(length: number): number {
    let from = 0;
    let to = this.#escapes.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#escapes[middle]?.count ?? 0) <= this.#count - length) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }
}

interface Escape {
  readonly count: number;
  readonly surplus: number;
}
