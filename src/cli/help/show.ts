import type { Manifest } from "@oclif/core/interfaces";
import { wrap } from "../terminal/layout.ts";
import type { Output } from "../terminal/output.ts";
import {
  entryLines,
  type HelpBlock,
  type HelpEntry,
  type HelpSection,
  helpPage,
  labelWidth,
  pageBlocks,
  withoutMarks,
  wordsOf,
} from "./page.ts";

/** Longer lines are hard to read, even on a wide terminal. */
const MAX_WIDTH = 80;
const MIN_WIDTH = 40;

export interface Program {
  readonly bin: string;
  readonly description: string;
  readonly manifest: Manifest;
  /** The commands by group, in the order in which to show them. Only the keys matter. */
  readonly commands: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What to explain: one command, the program on one screen (null), or, with `*`, all commands with a sentence each. */
export type HelpSubject = string | null;
export const EVERY_COMMAND = "*";

export function showHelp(id: HelpSubject, program: Program, output: Output): void {
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, output.columns ?? MAX_WIDTH));
  for (const [index, { heading, lines }] of blocksOf(id, program, width).entries()) {
    if (index > 0) output.line("");
    if (heading !== undefined) output.heading(heading);
    for (const line of lines) output.line(line);
  }
}

function blocksOf(id: HelpSubject, program: Program, width: number): readonly HelpBlock[] {
  const command = id === null ? undefined : program.manifest.commands[id];
  if (command === undefined) return programBlocks(program, width, id === EVERY_COMMAND);
  return pageBlocks(withoutMarks(helpPage(command, program.manifest, program.bin)), width);
}

function programBlocks(program: Program, width: number, hasSentences: boolean): readonly HelpBlock[] {
  const { bin, description } = program;
  const groups = commandGroups(program);
  const column = labelWidth(groups.flatMap(({ entries }) => entries));
  const onOneScreen = groups.map(({ title, entries }) => ({ label: title, text: namesOf(entries) }));
  const every = hasSentences ? "" : `, ${bin} --help --all says what each does`;
  const next = `${bin} COMMAND --help explains one${every}, ${bin} alone says what to type next, ${bin} --version its version.`;
  return [
    { lines: wrap(description, width) },
    { heading: "USAGE", lines: [`  $ ${bin} COMMAND [arguments] [flags]`] },
    ...(hasSentences
      ? groups.map(({ title, entries }) => ({ heading: title, lines: entryLines(entries, width, column) }))
      : [{ heading: "COMMANDS", lines: entryLines(onOneScreen, width) }]),
    { lines: wrap(next, width) },
  ];
}

/** Such as `list, tokens (create, list), gateway sign`. */
function namesOf(entries: readonly HelpEntry[]): string {
  const labels = entries.map(({ label }) => label);
  const below = (label: string): readonly string[] => labels.filter((it) => it.startsWith(`${label} `));
  return labels
    .filter((label) => !labels.some((it) => label.startsWith(`${it} `)))
    .map((label) => {
      const words = below(label).map((it) => it.slice(label.length + 1));
      return words.length === 0 ? label : `${label} (${words.join(", ")})`;
    })
    .join(", ");
}

/** Every visible command, by group. */
export function commandGroups({ manifest, commands }: Pick<Program, "manifest" | "commands">): readonly HelpSection[] {
  return Object.entries(commands).map(([title, group]) => {
    const shown = Object.keys(group).flatMap((id) => manifest.commands[id] ?? []);
    const entries = shown.filter(({ hidden }) => !hidden);
    return { title, entries: entries.map((it) => ({ label: wordsOf(it), text: it.summary ?? "" })) };
  });
}
