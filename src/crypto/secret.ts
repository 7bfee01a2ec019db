/** `util.inspect.custom` of Node.js, which browsers and Workers lack. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");
const MASK = "[secret]";
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that cannot be printed, inspected or serialised by accident. Only `expose` and `exposeText` give them out. */
export class Secret {
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Takes ownership of the bytes: `destroy` zeroes them. */
  static ofBytes(bytes: Uint8Array): Secret {
    return new Secret(bytes);
  }

  static ofText(text: string): Secret {
    return new Secret(encoder.encode(text));
  }

  /** The bytes themselves, not a copy. */
  expose(): Uint8Array {
    return this.#bytes;
  }

  /** @throws TypeError the bytes are not UTF-8 */
  exposeText(): string {
    return decoder.decode(this.#bytes);
  }

  /** Zeroes the bytes. Strings made from them stay until the garbage collector frees them. */
  destroy(): void {
    this.#bytes.fill(0);
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [INSPECT](): string {
    return MASK;
  }
}
