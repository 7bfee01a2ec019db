import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program that answers each line of JSON with one line, and ends when its stdin does. */
export class JsonLines implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #name: string;
  readonly #ended: Promise<void>;

  constructor(name: string, argv: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const [command = "", ...args] = argv;
    this.#name = name;
    this.#child = spawn(command, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject).once("close", () => resolve());
    });
    this.#ended.catch(() => {
      // Fails the pending requests.
    });
    if (this.#child.stdout === null) throw new Error(`${name} has no stdout`);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask<Answer>(question: object): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    return this.read();
  }

  async read<Answer>(): Promise<Answer> {
    const { done, value } = await this.#lines.next();
    if (done) {
      await this.#ended;
      throw new Error(`${this.#name} ended before it answered`);
    }
    return JSON.parse(value) as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
