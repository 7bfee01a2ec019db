import type { Readable } from "node:stream";
import { InputError } from "../../errors.ts";

/** stdin as data. It can be read for only one purpose. */
export class Stdin {
  readonly #open: () => Readable;
  readonly #isTerminal: () => boolean;
  #takenBy: string | null = null;
  #read: Buffer | undefined;
  readonly #pipes = new Map<string, unknown>();

  /** Opens stdin late, because it may be meant for a child process. */
  constructor(open: () => Readable, isTerminal: () => boolean) {
    this.#open = open;
    this.#isTerminal = isTerminal;
  }

  get isTerminal(): boolean {
    return this.#isTerminal();
  }

  /**
   * Whether vsync read stdin itself. Then a child must not get it, because it could seek back and read a passphrase.
   */
  get isTaken(): boolean {
    return this.#takenBy !== null;
  }

  /**
   * The content of a pipe other than stdin, as the caller's own copy. It is kept, because a second read would wait for
   * another writer.
   */
  async readPipe<T>(name: string, read: () => Promise<T>): Promise<T> {
    if (!this.#pipes.has(name)) this.#pipes.set(name, await read());
    return structuredClone(this.#pipes.get(name) as T);
  }

  /**
   * Claims stdin for one purpose.
   *
   * @throws InputError another purpose has claimed it
   */
  take(purpose: string): void {
    if (this.#takenBy !== null && this.#takenBy !== purpose) {
      throw new InputError(`${purpose} and ${this.#takenBy} cannot both be read from stdin`, {
        hint: "name a file for one of them",
      });
    }
    this.#takenBy = purpose;
  }

  /**
   * All of stdin, as the caller's own copy: a passphrase for several envs is read for each. `purpose` is the flag that
   * needs it, such as `--from`.
   *
   * @throws InputError stdin is a terminal, was read before, or has more than `maxBytes`
   */
  async read(purpose: string, maxBytes: number): Promise<Uint8Array> {
    this.take(purpose);
    if (this.isTerminal) {
      throw new InputError(`${purpose} reads stdin, which is a terminal`, { hint: "pipe it in, or name a file" });
    }
    this.#read ??= await this.#readAll(purpose, maxBytes);
    return Uint8Array.from(this.#read);
  }

  async #readAll(purpose: string, maxBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.#open() as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) {
        throw new InputError(`${purpose}: stdin holds more than ${maxBytes} bytes`, { hint: "check what you pipe in" });
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}
