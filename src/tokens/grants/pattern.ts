import type { RE2JS } from "re2js";

/**
 * The patterns of grants: a subset of RE2 that takes linear time and means the same in every RE2 (docs/format.md,
 * Patterns). We check the grammar; RE2 does the matching.
 */

const MAX_LENGTH = 256;
const MAX_REPEAT = 100;
/** The largest product of nested counted repetitions; RE2 has the same limit. */
const MAX_COPIES = 1000;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const META = /[\\.[\]^$|(){}*+?]/;

export class Pattern {
  #compiled: RE2JS | undefined;
  readonly source: string;

  /**
   * @param source must have passed `patternFault`
   */
  constructor(source: string) {
    this.source = source;
  }

  /** Compiles the pattern. The first one in a process loads the engine. */
  async prepare(): Promise<void> {
    const { RE2JS } = await import("re2js");
    this.#compiled ??= RE2JS.compile(this.source);
  }

  /** Whether the pattern matches anywhere in the text. */
  finds(text: string): boolean {
    if (this.#compiled === undefined) throw new TypeError("a pattern was not prepared");
    return this.#compiled.test(text);
  }
}

/** Why a pattern is refused, as the end of a message, or null. */
export function patternFault(source: string): string | null {
  if (source === "" || source.length > MAX_LENGTH) return `must have 1\u2026${MAX_LENGTH} characters`;
  if (!/^[ -~]*$/.test(source)) return "must be printable ASCII";
  try {
    new Reader(source).readAll();
    return null;
  } catch (error) {
    if (error instanceof PatternFault) return error.message;
    throw error;
  }
}

class PatternFault extends Error {}

/** Recursive descent over the pattern. Each method reads one rule of the grammar and returns its copies. */
class Reader {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): void {
    this.#alternation();
    if (this.#at < this.#text.length) throw this.#fault(")");
  }

  #alternation(): number {
    let copies = this.#branch();
    while (this.#take("|")) copies = Math.max(copies, this.#branch());
    return copies;
  }

  #branch(): number {
    let copies = 1;
    while (this.#at < this.#text.length && !this.#sees("|") && !this.#sees(")")) {
      copies = Math.max(copies, this.#repeated());
    }
    return copies;
  }

  #repeated(): number {
    if (this.#take("^") || this.#take("$")) {
      if (this.#seesRepetition()) throw new PatternFault("repeats an anchor");
      return 1;
    }
    const copies = this.#atom() * this.#repetition();
    if (copies > MAX_COPIES) throw new PatternFault(`has nested repetitions of more than ${MAX_COPIES} copies`);
    if (this.#seesRepetition()) throw new PatternFault("repeats a repetition, or makes it lazy or possessive");
    return copies;
  }

  #atom(): number {
    if (this.#take("(")) {
      if (this.#take("?") && !this.#take(":")) throw new PatternFault("has a group other than ( ) and (?: )");
      const copies = this.#alternation();
      if (!this.#take(")")) throw new PatternFault("has an open group");
      return copies;
    }
    if (this.#take("[")) this.#class();
    else if (this.#take("\\")) this.#escape();
    else if (!this.#take(".")) this.#literal();
    return 1;
  }

  #literal(): void {
    const character = this.#text[this.#at] ?? "";
    if (META.test(character)) throw this.#fault(character);
    this.#at++;
  }

  /** The escaped character; null for a class of characters. */
  #escape(): string | null {
    const character = this.#text[this.#at++] ?? "";
    if (/[dws]/.test(character)) return null;
    if (!PUNCTUATION.test(character)) throw new PatternFault(`has an unknown escape: \\${character}`);
    return character;
  }

  #class(): void {
    this.#take("^");
    if (this.#sees("]")) throw new PatternFault("has an empty class, or a ] first in one");
    this.#take("-");
    while (!this.#take("]")) {
      if (this.#take("-")) {
        if (!this.#take("]")) throw new PatternFault("has a - in the middle of a class");
        return;
      }
      this.#range();
    }
  }

  #range(): void {
    const first = this.#member();
    if (!this.#sees("-") || this.#text[this.#at + 1] === "]") return;
    this.#at++;
    const last = this.#member();
    if (first === null || last === null || first > last)
      throw new PatternFault("has a range that runs backwards, or from or to a class");
  }

  #member(): string | null {
    if (this.#at >= this.#text.length) throw new PatternFault("has an open class");
    if (this.#take("\\")) return this.#escape();
    const character = this.#text[this.#at++] ?? "";
    if (character === "[") throw new PatternFault("has a [ in a class");
    return character;
  }

  #repetition(): number {
    if (this.#take("*") || this.#take("+") || this.#take("?")) return 1;
    if (!this.#take("{")) return 1;
    const counted = /^(\d{1,3})(?:(,)(\d{1,3})?)?\}/.exec(this.#text.slice(this.#at));
    if (counted === null) throw new PatternFault("has a { without a count such as {2} or {2,5}");
    this.#at += counted[0].length;
    const least = Number(counted[1]);
    const most = counted[3] === undefined ? least : Number(counted[3]);
    if (most > MAX_REPEAT || least > most)
      throw new PatternFault(`repeats more than ${MAX_REPEAT} times, or fewer at most than at least`);
    return Math.max(most, 1);
  }

  #seesRepetition(): boolean {
    return /[*+?{]/.test(this.#text[this.#at] ?? "");
  }

  #sees(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#sees(character)) return false;
    this.#at++;
    return true;
  }

  #fault(character: string): PatternFault {
    if (/[)\]}]/.test(character)) return new PatternFault(`has a ${character} that closes nothing`);
    return new PatternFault(`has a ${character} with nothing to repeat`);
  }
}
