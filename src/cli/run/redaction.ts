import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { withoutLineEnd } from "../../disk/given-file.ts";
import type { Item } from "../../vault/format/item.ts";
import type { Output } from "../terminal/output.ts";
import { printable } from "../terminal/printable.ts";
import { type ChildOutput, pipedOutput } from "./output.ts";

const SHOWN_NAMES = 5;

/**
 * Masks all secrets of the vault in a program's output, including those that the program does not get. Warns about secrets
 * too short to mask.
 */
export async function maskedOutput(items: readonly Item[], output: Output): Promise<ChildOutput> {
  const secrets = items.filter((item) => item.kind === "secret");
  warnOfShort(unmaskedNames(secrets), output);
  const index = new ValueIndex(maskedValues(secrets));
  return pipedOutput(async (from, to) => {
    await pipeline(from, redacting(new Redactor(index)), to, { end: false }).catch((error: NodeJS.ErrnoException) => {
      // The reader has gone, which the program learns from its own pipe.
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

function warnOfShort(names: readonly string[], output: Output): void {
  if (names.length === 0) return;
  const shown = names.slice(0, SHOWN_NAMES).join(", ");
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : "";
  output.warn(`not masked, because they are shorter than ${MIN_MASKED_BYTES} bytes: ${shown}${more}`);
}

/** Shorter values, like `1` and `dev`, appear in much text that is not secret. */
const MIN_MASKED_BYTES = 4;
/** Of longer values, only the plain form is masked. */
const MAX_ENCODED_BYTES = 64 * 1024;

/**
 * Replaces every value in a stream of bytes by a mark, however the stream is cut into chunks. At each place the longest value
 * wins. Holds back only bytes that may begin a value, until the next bytes decide.
 */
export class Redactor {
  readonly #index: ValueIndex;
  readonly #marks = new Map<string, Buffer>();
  #held: Buffer = Buffer.alloc(0);

  constructor(index: ValueIndex) {
    this.#index = index;
  }

  /** @returns the bytes that can be passed on now */
  push(chunk: Uint8Array): Buffer {
    return this.#scan(Buffer.concat([this.#held, chunk]), false);
  }

  /** @returns the bytes held back */
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
    // A mark must not print a value, as in PASSWORD=PASSWORD. The last candidate is shorter than any value.
    const marks = [`[${printable(name)}]`, "[redacted]", "[*]"].map((text) => Buffer.from(text));
    const mark = marks.find((it) => !this.#holdsValue(it)) ?? Buffer.alloc(0);
    this.#marks.set(name, mark);
    return mark;
  }

  #holdsValue(bytes: Buffer): boolean {
    return Array.from(bytes).some((_, place) => this.#index.at(bytes, place, true) !== null);
  }
}

/** More bytes are needed to tell whether a value starts here. */
const UNDECIDED = Symbol("undecided");

/** Finds which of many values starts at a place, the longest first. */
export class ValueIndex {
  /** By the first four bytes; longest first. */
  readonly #byStart = new Map<number, MaskedValue[]>();
  /** The first two bytes of the values, which rule out most places in one step. */
  readonly #pairs = new Uint8Array(0x1_0000);
  /** The first one, two and three bytes of the values, for the end of a chunk. */
  readonly #beginnings = new Set<string>();

  /** @param values of at least `MIN_MASKED_BYTES`; of two equal ones, the first counts */
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

  /** The next place from `at` on where a value may start, or one near the end. */
  skip(bytes: Buffer, at: number): number {
    const last = bytes.length - MIN_MASKED_BYTES;
    let place = at;
    while (place <= last && this.#pairs[((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0)] === 0) place++;
    return place;
  }

  /** @param isWhole no bytes follow */
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

/** Bytes to mask, and the secret they belong to. */
export interface MaskedValue {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Every form in which a program may print the secrets. */
export function maskedValues(secrets: readonly Item[]): readonly MaskedValue[] {
  const forms = secrets.flatMap(({ name, data }) => formsOf(data.expose()).map((bytes) => ({ name, bytes })));
  return forms.filter(({ bytes }) => bytes.length >= MIN_MASKED_BYTES);
}

/** The names of secrets too short to mask. An empty one needs no mask. */
export function unmaskedNames(secrets: readonly Item[]): readonly string[] {
  const isShort = (length: number): boolean => length > 0 && length < MIN_MASKED_BYTES;
  return secrets.filter(({ data }) => isShort(data.expose().length)).map(({ name }) => name);
}

/** The value, also without its last line end, and as programs write it into logs and URLs. */
function formsOf(value: Uint8Array): readonly Uint8Array[] {
  const plain = [value, withoutLineEnd(value)];
  if (value.length < MIN_MASKED_BYTES || value.length > MAX_ENCODED_BYTES) return plain;
  const bytes = Buffer.from(value);
  const text = bytes.toString();
  const percent = encodeURIComponent(text);
  const padded = bytes.toString("base64");
  const encoded = [
    JSON.stringify(text).slice(1, -1),
    percent,
    percent.replaceAll("%20", "+"),
    padded,
    padded.replace(/=+$/, ""),
    bytes.toString("base64url"),
  ];
  return [...plain, ...encoded.map((form) => Buffer.from(form))];
}
