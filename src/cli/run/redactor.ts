import { printable } from "../terminal/printable.ts";
import { UNDECIDED, type ValueIndex } from "./value-index.ts";

/**
 * Puts a mark in place of every value in a stream of bytes, however it is cut into chunks: at each place the longest value that
 * stands there. What may be the beginning of a value is held back until it is decided, and nothing else.
 */
export class Redactor {
  readonly #index: ValueIndex;
  readonly #marks = new Map<string, Buffer>();
  #held: Buffer = Buffer.alloc(0);

  constructor(index: ValueIndex) {
    this.#index = index;
  }

  /** What can be passed on of all that has come. */
  push(chunk: Uint8Array): Buffer {
    return this.#scan(Buffer.concat([this.#held, chunk]), false);
  }

  /** The rest. */
  end(): Buffer {
    return this.#scan(this.#held, true);
  }

  #scan(bytes: Buffer, isWhole: boolean): Buffer {
    const parts: Buffer[] = [];
    let plainFrom = 0;
    let place = 0;
    while ((place = this.#index.skip(bytes, place)) < bytes.length) {
      const found = this.#index.at(bytes, place, isWhole);
      if (found === UNDECIDED) break;
      if (found === null) place++;
      else {
        parts.push(bytes.subarray(plainFrom, place), this.#markOf(found.name));
        place += found.bytes.length;
        plainFrom = place;
      }
    }
    this.#held = Buffer.from(bytes.subarray(place));
    return Buffer.concat([...parts, bytes.subarray(plainFrom, place)]);
  }

  #markOf(name: string): Buffer {
    const known = this.#marks.get(name);
    if (known !== undefined) return known;
    // A value may stand in its own name, as in PASSWORD=PASSWORD. The last mark is shorter than any value.
    const marks = [`[${printable(name)}]`, "[redacted]", "[*]"].map((text) => Buffer.from(text));
    const mark = marks.find((it) => !this.#holdsValue(it)) ?? Buffer.alloc(0);
    this.#marks.set(name, mark);
    return mark;
  }

  #holdsValue(bytes: Buffer): boolean {
    return Array.from(bytes).some((_, place) => this.#index.at(bytes, place, true) !== null);
  }
}
