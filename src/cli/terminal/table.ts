import { stripVTControlCharacters } from "node:util";
import { printable } from "./printable.ts";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
}

/** Lines of aligned columns, two spaces apart, without trailing spaces. Cells are escaped before they are measured. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly head: boolean },
): string[] {
  const body = rows.map((row) => columns.map((column) => printable(column.cell(row))));
  const lines = options.head ? [columns.map((column) => column.head), ...body] : body;
  const widths = columns.map((_, index) => Math.max(0, ...lines.map((cells) => widthOf(cells[index] ?? ""))));
  return lines.map((cells) =>
    cells
      .map((cell, index) => padded(cell, widths[index] ?? 0, columns[index]?.align ?? "left"))
      .join("  ")
      .trimEnd(),
  );
}

function padded(cell: string, width: number, align: "left" | "right"): string {
  const padding = " ".repeat(width - widthOf(cell));
  return align === "left" ? cell + padding : padding + cell;
}

/** Code points, which is what a terminal counts for all but wide and combining characters. */
export function widthOf(cell: string): number {
  return Array.from(stripVTControlCharacters(cell)).length;
}

/** One record (RFC 4180 §2), without its line end. */
export function csvRecord(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",");
}
