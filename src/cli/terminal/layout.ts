import { stripVTControlCharacters } from "node:util";
import { printable } from "./printable.ts";

/** Counts code points, as a terminal does except for wide and combining characters. */
export function widthOf(cell: string): number {
  return Array.from(stripVTControlCharacters(cell)).length;
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
}

/**
 * Lines of aligned columns, two spaces apart, without trailing spaces. Cells are escaped before they are measured. If
 * the lines are wider than `width`, the widest cells are cut and end in `…`.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly head: boolean; readonly width?: number },
): string[] {
  const body = rows.map((row) => columns.map((column) => printable(column.cell(row))));
  const lines = options.head ? [columns.map((column) => column.head), ...body] : body;
  const natural = columns.map((_, index) => Math.max(0, ...lines.map((cells) => widthOf(cells[index] ?? ""))));
  const widths = narrowed(natural, options.width ?? Number.POSITIVE_INFINITY);
  return lines.map((cells) =>
    cells
      .map((cell, index) => padded(cut(cell, widths[index] ?? 0), widths[index] ?? 0, columns[index]?.align ?? "left"))
      .join("  ")
      .trimEnd(),
  );
}

const LEAST_WIDTH = 8;

/** Takes from the widest column first, and leaves each column a few characters. */
function narrowed(natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, it) => sum + it, 0) + 2 * (widths.length - 1) - width;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const now = widths[widest] ?? 0;
    if (now <= LEAST_WIDTH) break;
    const others = widths.filter((_, index) => index !== widest);
    const next = Math.max(LEAST_WIDTH, Math.min(now - 1, Math.max(now - excess, ...others)));
    widths[widest] = next;
    excess -= now - next;
  }
  return widths;
}

function cut(cell: string, width: number): string {
  return widthOf(cell) <= width
    ? cell
    : `${Array.from(cell)
        .slice(0, width - 1)
        .join("")}…`;
}

function padded(cell: string, width: number, align: "left" | "right"): string {
  const padding = " ".repeat(width - widthOf(cell));
  return align === "left" ? cell + padding : padding + cell;
}

/** One record (RFC 4180 §2), without its line end. */
export function csvRecord(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",");
}

/** Breaks the text into lines of at most `width` columns. A longer word gets a line to itself. */
export function wrap(text: string, width: number): string[] {
  return filled(text.split(" "), () => width);
}

/** Puts as many parts on a line as fit. `room` is the width that a line has, by its number. */
function filled(parts: readonly string[], room: (line: number) => number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    if (line === undefined || widthOf(line) + 1 + widthOf(part) > room(lines.length - 1)) lines.push(part);
    else lines[lines.length - 1] = `${line} ${part}`;
  }
  return lines;
}

const INDENT = "  ";

/**
 * Breaks a message whose first line starts at column `headColumns`. Text in backticks, and a vsync command up to the
 * next punctuation, stay on one line so you can copy them. The terminal breaks such a line if it is too long, and
 * joins it again when you copy it.
 */
export function wrapMessage(text: string, headColumns: number, width: number): string {
  const room = (line: number): number => width - (line === 0 ? headColumns : INDENT.length);
  return filled(unbroken(text), room).join(`\n${INDENT}`);
}

function unbroken(text: string): readonly string[] {
  return text.match(/`[^`]*`\S*|vsync(?: (?!vsync\b)[^ ]*[^ ,;:)])*[,;:)]*|\S+/g) ?? [];
}

/** Breaks a long shell command before a flag or a pipe, with a backslash, as you would type it. */
export function wrapShell(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line];
  const room = (at: number): number => width - " \\".length - (at === 0 ? 0 : INDENT.length);
  return filled(line.split(/ (?=--\w|\| )/), room)
    .map((it, at) => (at === 0 ? it : `${INDENT}${it}`))
    .map((it, at, { length }) => (at < length - 1 ? `${it} \\` : it));
}
