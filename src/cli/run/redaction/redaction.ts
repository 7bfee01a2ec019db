import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Item } from "../../../vault/format/item.ts";
import { refuseEmptyNames, selectSecrets } from "../../items/selection.ts";
import { firstOf } from "../../terminal/consent.ts";
import type { Output } from "../../terminal/output.ts";
import { printable } from "../../terminal/printable.ts";
import { maskedValues, unmaskedNames } from "./masked-values.ts";
import { type Found, Matcher, type Passage } from "./matcher.ts";
import { type ChildOutput, pipedOutput } from "./output.ts";
import { asBuffer, ValueIndex } from "./value-index.ts";

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
  output.warn(`not masked, because their values are too short or common words: ${firstOf(names, SHOWN_NAMES)}`);
}

/**
 * Replaces every value in a stream of bytes with a mark, no matter how the stream is cut into chunks. At each place the
 * longest value wins; if another one starts inside it and extends beyond it, both are replaced. Holds back only bytes
 * that may begin a value, until the next bytes decide.
 */
export class Redactor {
  readonly #index: ValueIndex;
  readonly #matcher: Matcher;
  readonly #held = new HeldBytes();
  readonly #marks = new Map<string, Buffer>();
  /** Values found and not replaced yet. None lies inside another. */
  readonly #found: Found[] = [];
  /** Where the first byte is that was neither passed on nor replaced. */
  #done = 0;
  /** The names of the overlapping values replaced last. */
  #names = new Set<string>();

  constructor(index: ValueIndex) {
    this.#index = index;
    this.#matcher = new Matcher(index);
  }

  /**
   * @returns the bytes that are ready to be passed on
   */
  push(chunk: Uint8Array): Buffer {
    return this.#passOn({ ...this.#held.with(chunk), isWhole: false });
  }

  /** @returns the bytes held back */
  end(): Buffer {
    return this.#passOn({ ...this.#held.with(new Uint8Array()), isWhole: true });
  }

  #passOn(passage: Passage): Buffer {
    const { bytes, from, isWhole } = passage;
    const undecided = this.#matcher.read(passage, (found) => this.#note(found));
    const until = isWhole ? from + bytes.length : undecided;
    const parts: Buffer[] = [];
    const open = this.#found.findIndex(({ start }) => start >= until);
    for (const { name, start, end } of this.#found.splice(0, open === -1 ? this.#found.length : open)) {
      if (start >= this.#done) this.#names.clear();
      parts.push(this.#plain(passage, start));
      if (!this.#names.has(name)) parts.push(this.#markOf(name));
      this.#names.add(name);
      this.#done = end;
    }
    parts.push(this.#plain(passage, until));
    this.#held.dropBefore(Math.min(until, this.#done));
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  /** The bytes that are not masked, up to a place. */
  #plain({ bytes, from }: Passage, until: number): Buffer {
    const plain = bytes.subarray(this.#done - from, Math.max(this.#done, until) - from);
    this.#done = Math.max(this.#done, until);
    return plain;
  }

  #note(found: Found): void {
    const last = this.#found.at(-1);
    if (last !== undefined && last.end === found.end && last.start <= found.start) return;
    while ((this.#found.at(-1)?.start ?? -1) >= found.start) this.#found.pop();
    this.#found.push(found);
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
    let holds = false;
    new Matcher(this.#index).read({ bytes, from: 0, isWhole: true }, () => {
      holds = true;
    });
    return holds;
  }
}

/** The last bytes of the output so far. It never writes to bytes that it has handed out. */
class HeldBytes {
  #bytes: Buffer = Buffer.alloc(0);
  /** Where in the output they begin. */
  #from = 0;
  /** The memory of the bytes, with room behind them. Null if they are part of a chunk. */
  #room: Buffer | null = null;

  /** The bytes, and a chunk behind them. */
  with(chunk: Uint8Array): Pick<Passage, "bytes" | "from"> {
    if (this.#bytes.length === 0) {
      this.#bytes = asBuffer(chunk);
      this.#room = null;
    } else this.#append(chunk);
    return { bytes: this.#bytes, from: this.#from };
  }

  #append(chunk: Uint8Array): void {
    const length = this.#bytes.length + chunk.length;
    const start = this.#bytes.byteOffset;
    if (this.#room === null || start + length > this.#room.length) {
      // Twice the size, so the next copy comes only after as many bytes as this one copies.
      this.#room = Buffer.from(new ArrayBuffer(2 * length));
      this.#room.set(this.#bytes);
      this.#bytes = this.#room.subarray(0, this.#bytes.length);
    }
    this.#room.set(chunk, this.#bytes.byteOffset + this.#bytes.length);
    this.#bytes = this.#room.subarray(this.#bytes.byteOffset, this.#bytes.byteOffset + length);
  }

  dropBefore(place: number): void {
    this.#bytes = this.#bytes.subarray(place - this.#from);
    this.#from = place;
  }
}
