import { styleText } from "node:util";
import { type Column, formatTable, widthOf, wrapMessage } from "./layout.ts";
import { printable, printableJson, safeJson } from "./printable.ts";

/** The part of a stream that `Output` uses. */
export interface Sink {
  write(chunk: string | Uint8Array): unknown;
  /**
   * Like `write`, but also fails if the reader is gone.
   *
   * @throws Error the bytes could not be written
   */
  deliver?(chunk: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export type Style = "red" | "yellow" | "green" | "cyan" | "bold" | "dim";

/** What happened to a name: added, changed, removed. */
export type Sign = "+" | "~" | "-";

const SIGN_STYLES = { "+": "green", "~": "yellow", "-": "red" } as const;

type Variables = Readonly<Record<string, string | undefined>>;

/** Whether to show moving parts: on a capable terminal, unless the user declines colours. */
export function isLively({ isTTY }: Sink, variables: Variables): boolean {
  return isTTY === true && !variables["NO_COLOR"] && variables["TERM"] !== "dumb";
}

/** Whether to use colours: like `isLively`, or if the user sets FORCE_COLOR, but never with NO_COLOR. */
function isColoured(sink: Sink, variables: Variables): boolean {
  const { FORCE_COLOR: forced = "", NO_COLOR: declined } = variables;
  return isLively(sink, variables) || (!declined && !["", "0", "false"].includes(forced));
}

/**
 * The only way to the terminal. stdout gets the result and nothing else; messages go to stderr. Escapes everything,
 * except in `raw` and `handOver`, which pass bytes on unchanged.
 */
export class Output {
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #variables: Variables;

  constructor(stdout: Sink, stderr: Sink, variables: Variables) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#variables = variables;
  }

  /** The width of the terminal on stdout; undefined without one. */
  get columns(): number | undefined {
    return this.#stdout.isTTY === true ? this.#stdout.columns : undefined;
  }

  /** One line of the result. */
  line(text: string): void {
    this.#stdout.write(`${printable(text)}\n`);
  }

  /** A name in the result that was added, changed or removed. */
  change(sign: Sign, name: string): void {
    this.#stdout.write(`${this.#painted(this.#stdout, SIGN_STYLES[sign], `${sign} ${printable(name)}`)}\n`);
  }

  /** A line of the result that begins with a mark. */
  marked(style: Style, mark: string, text: string): void {
    this.#stdout.write(`${this.#painted(this.#stdout, style, mark)} ${printable(text)}\n`);
  }

  /** Like `change`, but a message on stderr. */
  sayChange(sign: Sign, name: string): void {
    this.#stderr.write(`  ${this.#painted(this.#stderr, SIGN_STYLES[sign], `${sign} ${printable(name)}`)}\n`);
  }

  /** A heading within the result. */
  heading(text: string): void {
    this.#stdout.write(`${this.#painted(this.#stdout, "bold", printable(text))}\n`);
  }

  /** The result as aligned columns. Only terminals get the head; programs would take it for a row. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    const { isTTY = false, columns: width } = this.#stdout;
    const lines = formatTable(columns, rows, { head: isTTY, ...(isTTY && width ? { width } : {}) });
    if (isTTY) this.heading(lines.shift() ?? "");
    for (const text of lines) this.line(text);
  }

  /** The result as names and values, one per line. */
  fields(fields: Readonly<Record<string, string | number | true>>): void {
    const columns = [
      { head: "", cell: ([name]: readonly [string, unknown]) => name },
      { head: "", cell: ([, value]: readonly [string, unknown]) => String(value) },
    ];
    for (const text of formatTable(columns, Object.entries(fields), { head: false })) this.line(text);
  }

  json(value: unknown): void {
    this.#stdout.write(`${printableJson(value)}\n`);
  }

  /** Bytes of the result, unchanged: a secret's value, a token. */
  raw(bytes: string | Uint8Array): void {
    this.#stdout.write(bytes);
  }

  /**
   * Bytes of the result that vsync cannot print again.
   *
   * @throws Error nobody has read them
   */
  handOver(bytes: string | Uint8Array): void {
    if (this.#stdout.deliver === undefined) this.#stdout.write(bytes);
    else this.#stdout.deliver(bytes);
  }

  /** Progress. */
  say(text: string): void {
    this.#stderr.write(`${this.#wrapped(printable(text), 0)}\n`);
  }

  /** A step that is done, after a tick. */
  done(text: string): void {
    this.#stderr.write(`${this.#painted(this.#stderr, "green", "✓")} ${this.#wrapped(printable(text), "✓ ".length)}\n`);
  }

  /** A function of its own, to pass on. */
  readonly warn = (text: string): void => this.#message("yellow", "warning:", text);

  error(text: string): void {
    this.#message("red", "error:", text);
  }

  hint(text: string): void {
    this.#message("cyan", "hint:", text);
  }

  /** A line of JSON. */
  log(line: string): void {
    this.#stderr.write(safeJson(line));
  }

  /** Wraps the message only on a terminal. In a log it stays on one line, where grep finds it. */
  #message(style: Style, kind: string, text: string): void {
    const lines = this.#wrapped(printable(text), `vsync: ${kind} `.length);
    this.#stderr.write(`vsync: ${this.#painted(this.#stderr, style, kind)} ${lines}\n`);
  }

  /** Text with an indent or several lines is laid out already. */
  #wrapped(text: string, headColumns: number): string {
    const { isTTY, columns } = this.#stderr;
    const fits = isTTY !== true || !columns || headColumns + widthOf(text) <= columns;
    return fits || /^\s|\n/.test(text) ? text : wrapMessage(text, headColumns, columns);
  }

  #painted(sink: Sink, style: Style, text: string): string {
    // Without `validateStream: false`, styleText would look at stdout.
    return isColoured(sink, this.#variables) ? styleText(style, text, { validateStream: false }) : text;
  }
}
