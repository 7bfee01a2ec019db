import { widthOf } from "../terminal/table.ts";
import { wrap, wrapShell } from "../terminal/wrap.ts";
import type { HelpEntry, HelpPage } from "./page.ts";

/** A part of what is shown: lines below a heading, or, without one, just lines. */
export interface HelpBlock {
  readonly heading?: string;
  readonly lines: readonly string[];
}

const INDENT = "  ";
/** A longer label has a line to itself. */
const MAX_LABEL = 28;

export function pageBlocks(page: HelpPage, width: number): readonly HelpBlock[] {
  const inner = width - INDENT.length;
  const examples = page.examples.flatMap((line) => wrapShell(`$ ${line}`, inner));
  return [
    { lines: wrap(page.summary, width) },
    { heading: "USAGE", lines: page.usage.map((line) => `${INDENT}$ ${line}`) },
    ...page.paragraphs.map((text) => ({ lines: wrap(text, width) })),
    ...page.sections.map(({ title, entries }) => ({ heading: title, lines: entryLines(entries, width) })),
    ...(examples.length === 0 ? [] : [{ heading: "EXAMPLES", lines: examples.map((line) => INDENT + line) }]),
  ];
}

/** Labels in one column, their texts in the next. */
export function entryLines(
  entries: readonly HelpEntry[],
  width: number,
  labelColumns: number = labelWidth(entries),
): string[] {
  const column = INDENT.length + labelColumns + INDENT.length;
  return entries.flatMap(({ label, text }) => {
    const lines = wrap(text, Math.max(20, width - column)).map((line) => " ".repeat(column) + line);
    const head = INDENT + label;
    if (widthOf(label) > MAX_LABEL) return [head, ...lines];
    return [`${head.padEnd(column)}${(lines[0] ?? "").slice(column)}`.trimEnd(), ...lines.slice(1)];
  });
}

/** Of the longest label that shares its line with a text. */
export function labelWidth(entries: readonly HelpEntry[]): number {
  return Math.max(0, ...entries.map(({ label }) => widthOf(label)).filter((it) => it <= MAX_LABEL));
}
