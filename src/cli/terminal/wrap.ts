import { widthOf } from "./table.ts";

/** The text in lines of at most `width` columns; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || widthOf(line) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/**
 * A message on a terminal, after a head of so many columns. What a person copies from it stays on one line: what stands in
 * backticks, and a command of vsync's up to the next punctuation. One that is too long is left to the terminal, which joins it again.
 */
export function wrapMessage(text: string, headColumns: number, width: number): string {
  const lines: string[] = [];
  for (const part of unbroken(text)) {
    const line = lines.at(-1);
    const used = line === undefined ? 0 : widthOf(line) + 1 + (lines.length === 1 ? headColumns : 0);
    if (line === undefined || used + widthOf(part) > width) lines.push(lines.length === 0 ? part : `${INDENT}${part}`);
    else lines[lines.length - 1] = `${line} ${part}`;
  }
  return lines.join("\n");
}

const INDENT = "  ";

function unbroken(text: string): readonly string[] {
  return text.match(/`[^`]*`\S*|vsync(?: (?!vsync\b)[^ ,;:)]+)*[,;:)]*|\S+/g) ?? [];
}

/** A shell's line in several, where it is too long: broken before a flag or a pipe, as one would type it. */
export function wrapShell(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line];
  const parts = line.split(/ (?=--\w|\| )/);
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(part);
    else if (widthOf(last) + 1 + widthOf(part) > width - 2) lines.push(`  ${part}`);
    else lines[lines.length - 1] = `${last} ${part}`;
  }
  return lines.map((it, index) => (index < lines.length - 1 ? `${it} \\` : it));
}
