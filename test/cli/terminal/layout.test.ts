import { expect, test } from "vitest";
import { csvRecord, formatTable, wrap, wrapMessage, wrapShell } from "../../../src/cli/terminal/layout.ts";

interface Row {
  readonly name: string;
  readonly gen: number;
}
const COLUMNS = [
  { head: "NAME", cell: (row: Row) => row.name },
  { head: "GEN", cell: (row: Row) => String(row.gen), align: "right" },
  { head: "NOTE", cell: () => "x" },
] as const;

test("a table aligns its columns, and escapes cells before it measures them", () => {
  const rows = [
    { name: "\u001b[1m", gen: 7 },
    { name: "längeré 🎉", gen: 1234 },
  ];
  expect(formatTable(COLUMNS, rows, { head: true })).toEqual([
    "NAME        GEN  NOTE",
    "\\x1b[1m       7  x",
    "längeré 🎉  1234  x",
  ]);
  expect(formatTable(COLUMNS, [{ name: "a", gen: 7 }], { head: false })).toEqual(["a  7  x"]);
  expect(formatTable(COLUMNS, [], { head: false })).toEqual([]);
});

test("a CSV record quotes what needs quotes", () => {
  expect(csvRecord(["a", 'b"c', "d,e", "f\ng", ""])).toBe('a,"b""c","d,e","f\ng",');
});

test("text breaks between words; an overlong word gets its own line", () => {
  expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
  expect(wrap("a incomprehensible b", 5)).toEqual(["a", "incomprehensible", "b"]);
  expect(wrap("", 5)).toEqual([""]);
});

test("a shell command breaks before a flag or a pipe", () => {
  expect(wrapShell("$ vsync x --a=1 --b=2 | jq .", 20)).toEqual(["$ vsync x --a=1 \\", "  --b=2 | jq ."]);
  expect(wrapShell("$ vsync x --a=1", 20)).toEqual(["$ vsync x --a=1"]);
});

test("a message breaks between words, its first line after the head", () => {
  expect(wrapMessage("one two three four", 10, 18)).toBe("one two\n  three four");
  expect(wrapMessage("", 7, 80)).toBe("");
});

test.each([
  ["run vsync audit verify --env=prod, which says more", "run\n  vsync audit verify --env=prod,\n  which says more"],
  ["look at `vsync list prod --repo=a` now", "look at\n  `vsync list prod --repo=a` now"],
  ["run vsync init --endpoint=http://a:1 --ours=A,B; or", "run\n  vsync init --endpoint=http://a:1 --ours=A,B;\n  or"],
  ["a /path/that/is/longer/than/the/whole/line it is", "a\n  /path/that/is/longer/than/the/whole/line\n  it is"],
])("a message keeps on one line what a user copies: %s", (text, expected) => {
  expect(wrapMessage(text, 7, 34)).toBe(expected);
});

test("a table that is too wide cuts its widest cells", () => {
  const columns = [
    { head: "NAME", cell: ({ name }: { name: string; kind: string }) => name },
    { head: "KIND", cell: ({ kind }: { name: string; kind: string }) => kind },
  ];
  const rows = [{ name: "A_NAME_OF_MANY_CHARACTERS", kind: "secret" }];
  expect(formatTable(columns, rows, { head: false, width: 20 })).toEqual(["A_NAME_OF_M…  secret"]);
  expect(formatTable(columns, rows, { head: false, width: 5 })).toEqual(["A_NAME_…  secret"]);
});
