import { styleText } from "node:util";
import { printable, printableJson } from "./printable.ts";
import { type Column, formatTable } from "./table.ts";
import { wrapMessage } from "./wrap.ts";

/** What `Output` needs of a stream. */
export interface Sink {
  write(chunk: string | Uint8Array): unknown;
  /** As `write`, but that the reader has gone is a failure as well. @throws Error */
  deliver?(chunk: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

type Style = "red" | "yellow" | "green" | "cyan" | "bold" | "dim";

/** Whether a stream may have colours and moving parts: a terminal that can, and whose user did not decline. */
export function isLively({ isTTY }: Sink, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/**
 * The only way to the terminal. stdout carries the result and nothing else; what a person wants to know meanwhile goes to
 * stderr. Everything is escaped but `raw`, which is for what the user asked for to the byte.
 */
export class Output {
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(stdout: Sink, stderr: Sink, env: Readonly<Record<string, string | undefined>>) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#env = env;
  }

  /** How wide the terminal is that shows the result; undefined where there is none. */
  get columns(): number | undefined {
    return this.#stdout.isTTY === true ? this.#stdout.columns : undefined;
  }

  /** One line of the result. */
  line(text: string): void {
    this.#stdout.write(`${printable(text)}\n`);
  }

  /** A line of the result that stands over others. */
  heading(text: string): void {
    const line = printable(text);
    this.#stdout.write(
      `${isLively(this.#stdout, this.#env) ? styleText("bold", line, { validateStream: false }) : line}\n`,
    );
  }

  /** The result as a table: aligned columns, and no head where it is read by a program. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    for (const text of formatTable(columns, rows, { head: this.#stdout.isTTY === true })) this.line(text);
  }

  /** The result as names and values, one a line. */
  fields(fields: Readonly<Record<string, string | number>>): void {
    const columns = [
      { head: "", cell: ([name]: readonly [string, unknown]) => name },
      { head: "", cell: ([, value]: readonly [string, unknown]) => String(value) },
    ];
    for (const text of formatTable(columns, Object.entries(fields), { head: false })) this.line(text);
  }

  json(value: unknown): void {
    this.#stdout.write(`${printableJson(value)}\n`);
  }

  /** The result to the byte: a secret's value, a token. */
  raw(bytes: string | Uint8Array): void {
    this.#stdout.write(bytes);
  }

  /** The result to the byte, which nobody can give once more. @throws Error nobody has got it */
  handOver(bytes: string | Uint8Array): void {
    if (this.#stdout.deliver === undefined) this.#stdout.write(bytes);
    else this.#stdout.deliver(bytes);
  }

  /** A line about what is going on. */
  say(text: string): void {
    this.#stderr.write(`${printable(text)}\n`);
  }

  /** What has been achieved. */
  done(text: string): void {
    this.#stderr.write(`${this.#styled("green", "✓")} ${printable(text)}\n`);
  }

  warn(text: string): void {
    this.#message("yellow", "warning:", text);
  }

  error(text: string): void {
    this.#message("red", "error:", text);
  }

  hint(text: string): void {
    this.#message("cyan", "hint:", text);
  }

  /** One line where a program reads it, so that it can be searched; on a terminal, lines that end between words. */
  #message(style: Style, kind: string, text: string): void {
    const { isTTY, columns } = this.#stderr;
    const head = `vsync: ${kind} `;
    const shown = printable(text);
    const lines = isTTY === true && columns ? wrapMessage(shown, head.length, columns) : shown;
    this.#stderr.write(`vsync: ${this.#styled(style, kind)} ${lines}\n`);
  }

  #styled(style: Style, text: string): string {
    // The stream has been looked at above; styleText would look at stdout.
    return isLively(this.#stderr, this.#env) ? styleText(style, text, { validateStream: false }) : text;
  }
}
