/** A command line in a page or a script, without its prompt. */
export interface Command {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
  /** The lines below it, or null if there are none. */
  readonly output: readonly string[] | null;
  /** 0, unless a comment on the line says `exit code N`. */
  readonly exitCode: number;
}

/** Reads `$ command` lines, continued by `> ` lines, each with its output. `firstLine` numbers the first of them. */
export function commandsIn(lines: readonly string[], firstLine: number): Command[] {
  const found: { line: number; text: string; output: string[] }[] = [];
  for (const [at, text] of lines.entries()) {
    const last = found.at(-1);
    if (text.startsWith("$ ")) found.push({ line: firstLine + at, text: text.slice(2), output: [] });
    else if (last === undefined) throw new Error(`line ${firstLine + at}: output without a command`);
    else if (/^> ?/.test(text) && last.output.length === 0) last.text += `\n${text.replace(/^> ?/, "")}`;
    else last.output.push(text);
  }
  return found.map((it) => commandOf(it.line, it.text, it.output.length === 0 ? null : it.output));
}

export function commandOf(line: number, text: string, output: readonly string[] | null): Command {
  const [, exitCode = "0"] = / # .*exit code (\d+)/.exec(text) ?? [];
  return { line, text, output, exitCode: Number(exitCode) };
}

/**
 * Whether the lines are those expected: `…` stands for any text within a line, and alone on a line for any lines. Times
 * are all alike, and so are runs of spaces.
 */
export function isShown(expected: readonly string[], actual: readonly string[]): boolean {
  const pattern = expected.map(lineAsPattern).join("");
  return new RegExp(`^${pattern}$`).test(actual.map((line) => `${narrowed(line)}\n`).join(""));
}

/**
 * The actual lines, written as the expected ones where they still match, with their `…`. A `…` line stays where the
 * lines around it do.
 */
export function updatedOutput(expected: readonly string[], actual: readonly string[]): string[] {
  // longest[i][j]: how many of expected[i…] can be kept for actual[j…]; a kept `…` line counts a little
  const longest = Array.from({ length: expected.length + 1 }, () => Array.from({ length: actual.length + 1 }, () => 0));
  const score = (i: number, j: number): number => longest[i]?.[j] ?? 0;
  const matches = (i: number, j: number): boolean => isShown(expected.slice(i, i + 1), actual.slice(j, j + 1));
  for (let i = expected.length - 1; i >= 0; i--) {
    for (let j = actual.length; j >= 0; j--) {
      const kept = expected[i] === "…" ? 0.1 + score(i + 1, j) : 0;
      const swallowed = expected[i] === "…" && j < actual.length ? score(i, j + 1) : 0;
      const matched = expected[i] !== "…" && j < actual.length && matches(i, j) ? 1 + score(i + 1, j + 1) : 0;
      const row = longest[i];
      if (row) row[j] = Math.max(kept, swallowed, matched, score(i + 1, j), j < actual.length ? score(i, j + 1) : 0);
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < expected.length || j < actual.length) {
    const line = expected[i];
    if (line === "…" && score(i, j) === 0.1 + score(i + 1, j)) {
      lines.push("…");
      i += 1;
      while (j < actual.length && score(i, j + 1) >= score(i, j) && (i >= expected.length || !matches(i, j))) j += 1;
    } else if (line !== undefined && line !== "…" && j < actual.length && matches(i, j)) {
      lines.push(line);
      i += 1;
      j += 1;
    } else if (j < actual.length && (line === undefined || score(i, j) === score(i, j + 1))) {
      lines.push(actual[j] ?? "");
      j += 1;
    } else i += 1;
  }
  return lines;
}

function lineAsPattern(line: string): string {
  if (line === "…") return "(?:.*\n)*";
  return `${narrowed(line).split("…").map(escaped).join(".*")}\n`;
}

const narrowed = (line: string): string => line.replace(TIME, "<time>").replace(/ {2,}/g, "  ").trimEnd();

/** An instant, a bundle's key with its instant, or how long ago it was. */
export const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|(?<=v=)\d{8}T\d{9}Z|\d+ (?:s|min)(?= ago)/g;

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
