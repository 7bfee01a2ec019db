import { describe, expect, test } from "vitest";
import { formatTable } from "../../../src/cli/terminal/layout.ts";

interface Row {
  readonly name: string;
  readonly gen: number;
}
const columns = [
  { head: "NAME", cell: (row: Row) => row.name },
  { head: "GEN", cell: (row: Row) => String(row.gen), align: "right" },
  { head: "NOTE", cell: () => "x" },
] as const;
const rows = [
  { name: "a", gen: 7 },
  { name: "längeré 🎉", gen: 1234 },
];

describe("formatTable", () => {
  test("aligns", () => {
    expect(formatTable(columns, rows, { head: true })).toEqual([
      "NAME        GEN  NOTE",
      "a             7  x",
      "längeré 🎉  1234  x",
    ]);
  });

  test("leaves the head out", () => {
    expect(formatTable(columns, [{ name: "a", gen: 7 }], { head: false })).toEqual(["a  7  x"]);
  });

  test("escapes before it measures", () => {
    const two = [{ name: "\u001b[1m", gen: 1 }, rows[0]!];
    expect(formatTable(columns, two, { head: false })).toEqual(["\\x1b[1m  1  x", "a        7  x"]);
  });

  test("no rows, no lines", () => {
    expect(formatTable(columns, [], { head: false })).toEqual([]);
  });
});
