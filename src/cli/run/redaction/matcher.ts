import { Reading } from "./reading.ts";
import { MARKERS, MAX_ESCAPE_CHARACTERS } from "./spelling.ts";
import type { ValueIndex } from "./value-index.ts";

/** A piece of a program's output. */
export interface Passage {
  readonly bytes: Buffer;
  /** Where in the output it begins. */
  readonly from: number;
  /** Whether the output ends here. */
  readonly isWhole: boolean;
}

/** A value in the output. */
export interface Found {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * How many readings of one spelling continue from one place. They differ in where they began: in a row of backslashes,
 * that decides which of them are escapes.
 */
const MOST_READINGS = 4;
/** How many of the values that end at one place are tried, the longest first. The first one nearly always fits. */
const MOST_ENDS = 8;

/**
 * Finds values in a stream, plain or escaped; a value may be plain up to some place and escaped from there on. The number
 * of steps per byte does not depend on the values.
 */
export class Matcher {
  readonly #index: ValueIndex;
  /** The next byte to read. */
  #place = 0;
  /** The automaton's node for the plain bytes. */
  #node = 0;
  #readings: Reading[] = [];

  constructor(index: ValueIndex) {
    this.#index = index;
  }

  /**
   * Continues where the last call stopped.
   *
   * @param note called with the longest value that ends at each place, in order
   * @returns the first place where a value may have begun that more bytes decide
   */
  read(passage: Passage, note: (found: Found) => void): number {
    const { bytes, from } = passage;
    const end = from + bytes.length;
    while (this.#place < end) {
      if (this.#node === 0 && this.#readings.length === 0) {
        this.#place = from + this.#index.skip(bytes, this.#place - from);
        if (this.#place >= end) break;
      }
      if (!this.#readAt(passage, bytes[this.#place - from] ?? 0)) break;
      this.#place++;
      this.#noteEnds(passage, note);
    }
    return this.#undecidedFrom();
  }

  /**
   * @returns false if the bytes may end inside an escape
   */
  #readAt(passage: Passage, byte: number): boolean {
    const isMarker = MARKERS[byte] !== 0;
    const { bytes, from, isWhole } = passage;
    const at = this.#place - from;
    if (isMarker && !isWhole && bytes.length - at < MAX_ESCAPE_CHARACTERS) {
      if (this.#mayStartBefore(bytes, at)) return false;
      this.#node = 0;
      return true;
    }
    const ahead = isMarker ? bytes.toString("latin1", at, at + MAX_ESCAPE_CHARACTERS) : "";
    for (const reading of this.#readings) if (reading.at === this.#place) this.#readOn(reading, byte, ahead);
    if (isMarker) this.#begin(byte, ahead);
    this.#node = this.#index.automaton.next(this.#node, byte);
    return true;
  }

  /** Whether a value may have begun before this place, or begins here. */
  #mayStartBefore(bytes: Buffer, at: number): boolean {
    const depth = this.#index.automaton.depthOf(this.#node);
    if (this.#readings.length > 0 || depth >= 4) return true;
    for (let start = at - depth; start <= at; start++) if (this.#index.mayStartAt(bytes, start)) return true;
    return false;
  }

  /** Starts a reading for each spelling that has an escape here. */
  #begin(byte: number, ahead: string): void {
    for (const spelling of this.#index.spellings) {
      if (escapeOf(spelling, ahead) === null) continue;
      const reading = new Reading(spelling, this.#node, this.#place);
      this.#readOn(reading, byte, ahead);
      if (reading.node !== 0) this.#readings.push(reading);
    }
  }

  #readOn(reading: Reading, byte: number, ahead: string): void {
    const escape = ahead === "" ? null : escapeOf(reading.spelling, ahead);
    const text = escape === null ? String.fromCharCode(byte) : reading.spelling.read(escape);
    reading.pass(escape?.length ?? 1, text.length);
    for (let at = 0; at < text.length; at++) {
      reading.node = this.#index.automaton.next(reading.node, text.charCodeAt(at));
    }
  }

  #noteEnds({ bytes, from }: Passage, note: (found: Found) => void): void {
    const { automaton } = this.#index;
    const value = automaton.valueAt(this.#node);
    if (value !== -1) this.#note(value, this.#place - this.#index.lengthOf(value), note);
    this.#node = automaton.open(this.#node);
    const here = this.#readings.filter(({ at }) => at === this.#place);
    for (const reading of here) {
      let ended = automaton.valueAt(reading.node);
      for (let tried = 0; ended !== -1 && tried < MOST_ENDS; tried++, ended = automaton.shorter(ended)) {
        const start = reading.startOf(this.#index.lengthOf(ended));
        if (!this.#index.mayStartAt(bytes, start - from)) continue;
        this.#note(ended, start, note);
        break;
      }
      reading.node = automaton.open(reading.node);
    }
    if (here.length > MOST_READINGS) this.#endLatest(here);
    if (here.length > 0) this.#readings = this.#readings.filter(({ node }) => node !== 0);
  }

  /** Of each spelling, only the readings that began first continue; of those that no longer differ, one. */
  #endLatest(here: readonly Reading[]): void {
    const startOf = (it: Reading): number => it.startOf(this.#index.automaton.depthOf(it.node));
    for (const alike of Map.groupBy(here, ({ spelling }) => spelling).values()) {
      const different = new Map(alike.map((it) => [`${startOf(it)} ${it.node}`, it]));
      const first = [...different.values()].toSorted((a, b) => startOf(a) - startOf(b)).slice(0, MOST_READINGS);
      for (const it of alike) if (!first.includes(it)) it.node = 0;
    }
  }

  #note(value: number, start: number, note: (found: Found) => void): void {
    note({ name: this.#index.nameOf(value), start, end: this.#place });
  }

  #undecidedFrom(): number {
    const { automaton } = this.#index;
    const starts = this.#readings.map((reading) => {
      const depth = automaton.depthOf(reading.node);
      reading.forgetBefore(depth);
      return reading.startOf(depth);
    });
    return Math.min(this.#place - automaton.depthOf(this.#node), ...starts);
  }
}

function escapeOf({ escape }: { readonly escape: RegExp }, ahead: string): string | null {
  escape.lastIndex = 0;
  return escape.exec(ahead)?.[0] ?? null;
}
