import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Item } from "../../../vault/format/item.ts";
import { refuseEmptyNames, selectSecrets } from "../../items/selection.ts";
import type { Output } from "../../terminal/output.ts";
import { printable } from "../../terminal/printable.ts";
import { maskedValues, unmaskedNames } from "./masked-values.ts";
import { type ChildOutput, pipedOutput } from "./output.ts";
import { type Passage, UNDECIDED, ValueIndex } from "./value-index.ts";

const SHOWN_NAMES = 5;

/**
 * Masks all secrets of the vault in a program's output, even those that the program does not get. Warns about secrets
 * that it does not mask.
 *
 * @param shown names of secrets to leave as they are
 * @throws InputError the vault has no secret of such a name
 */
export async function maskedOutput(
  items: readonly Item[],
  shown: readonly string[] | undefined,
  output: Output,
): Promise<ChildOutput> {
  refuseEmptyNames({ show: shown });
  const secrets = selectSecrets(items, { except: shown });
  warnOfUnmasked(unmaskedNames(secrets), output);
  const index = new ValueIndex(maskedValues(secrets));
  return pipedOutput(async (from, to) => {
    await pipeline(from, redacting(new Redactor(index)), to, { end: false }).catch((error: NodeJS.ErrnoException) => {
      // The reader is gone; the program learns that from its own pipe.
      if (error.code !== "EPIPE") throw error;
    });
  });
}

function redacting(redactor: Redactor): Transform {
  return new Transform({
    transform: (chunk: Uint8Array, _encoding, done) => done(null, redactor.push(chunk)),
    flush: (done) => done(null, redactor.end()),
  });
}

function warnOfUnmasked(names: readonly string[], output: Output): void {
  if (names.length === 0) return;
  const shown = names.slice(0, SHOWN_NAMES).join(", ");
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : "";
  output.warn(`not masked, because their values are too short or common words: ${shown}${more}`);
}

/**
 * Replaces every value in a stream of bytes with a mark, no matter how the stream is cut into chunks. At each place the
 * longest value wins; if another one starts inside it and extends beyond it, both are replaced. Holds back only bytes
 * that may begin a value, until the next bytes decide.
 */
export class Redactor {
  readonly #index: ValueIndex;
  readonly #marks = new Map<string, Buffer>();
  #held: Buffer = Buffer.alloc(0);

  constructor(index: ValueIndex) {
    this.#index = index;
  }

  /**
   * @returns the bytes that are ready to be passed on
   */
  push(chunk: Uint8Array): Buffer {
    const bytes = this.#held.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#held, chunk]);
    return this.#scan({ bytes, isWhole: false });
  }

  /** @returns the bytes held back */
  end(): Buffer {
    return this.#scan({ bytes: this.#held, isWhole: true });
  }

  #scan(passage: Passage): Buffer {
    const { bytes } = passage;
    const parts: Buffer[] = [];
    let plainFrom = 0;
    let place = 0;
    while ((place = this.#index.skip(passage, place)) < bytes.length) {
      const found = this.#valuesAt(passage, place);
      if (found === UNDECIDED) break;
      if (found === null) place++;
      else {
        parts.push(bytes.subarray(plainFrom, place), ...found.names.map((name) => this.#markOf(name)));
        place = found.end;
        plainFrom = place;
      }
    }
    this.#held = Buffer.from(bytes.subarray(Math.max(place, this.#index.deciding(passage, place))));
    if (parts.length === 0) return bytes.subarray(0, place);
    return Buffer.concat([...parts, bytes.subarray(plainFrom, place)]);
  }

  /** The value that starts at a place, and those that overlap it. */
  #valuesAt(passage: Passage, start: number): Overlapping | typeof UNDECIDED | null {
    const first = this.#index.at(passage, start);
    if (first === UNDECIDED || first === null) return first;
    const names = [first.name];
    let end = start + first.length;
    // A run of the value's only byte is masked as a whole: at each of its places, a value starts that ends one byte
    // further.
    const run = this.#index.runAt(passage, start);
    const isRunMasked = run?.isValue === true && end <= run.end;
    if (isRunMasked && run.isOpen) return UNDECIDED;
    if (isRunMasked) end = run.end;
    for (let place = start + 1; (place = this.#index.skip(passage, place, isRunMasked)) < end; place++) {
      const found = this.#index.at(passage, place);
      if (found === UNDECIDED) return UNDECIDED;
      if (found === null || place + found.length <= end) continue;
      end = place + found.length;
      if (!names.includes(found.name)) names.push(found.name);
    }
    return { names, end };
  }

  #markOf(name: string): Buffer {
    const known = this.#marks.get(name);
    if (known !== undefined) return known;
    // A mark must not show a value, as in PASSWORD=PASSWORD. The last candidate is shorter than any value.
    const marks = [`[${printable(name)}]`, "[redacted]", "[*]"].map((text) => Buffer.from(text));
    const mark = marks.find((it) => !this.#holdsValue(it)) ?? Buffer.alloc(0);
    this.#marks.set(name, mark);
    return mark;
  }

  #holdsValue(bytes: Buffer): boolean {
    return Array.from(bytes).some((_, place) => this.#index.at({ bytes, isWhole: true }, place) !== null);
  }
}

interface Overlapping {
  readonly names: readonly string[];
  readonly end: number;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
