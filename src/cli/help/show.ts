import type { Manifest } from "@oclif/core/interfaces";
import { wrap } from "../terminal/layout.ts";
import type { Output } from "../terminal/output.ts";
import {
  entryLines,
  type HelpBlock,
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
  /** The commands by group, both in the order to show them in: only the keys count. */
  readonly commands: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Explains one command, or, with null, the program. */
export function showHelp(id: string | null, program: Program, output: Output): void {
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, output.columns ?? MAX_WIDTH));
  const command = id === null ? undefined : program.manifest.commands[id];
  const blocks =
    command === undefined
      ? programBlocks(program, width)
      : pageBlocks(withoutMarks(helpPage(command, program.manifest, program.bin)), width);
  for (const [index, { heading, lines }] of blocks.entries()) {
    if (index > 0) output.line("");
    if (heading !== undefined) output.heading(heading);
    for (const line of lines) output.line(line);
  }
}

function programBlocks(program: Program, width: number): readonly HelpBlock[] {
  const { bin, description } = program;
  const groups = commandGroups(program);
  const column = labelWidth(groups.flatMap(({ entries }) => entries));
  return [
    { lines: wrap(description, width) },
    { heading: "USAGE", lines: [`  $ ${bin} COMMAND [arguments] [flags]`, `  $ ${bin} COMMAND --help`] },
    ...groups.map(({ title, entries }) => ({ heading: title, lines: entryLines(entries, width, column) })),
    {
      lines: wrap(`${bin} alone says where you are and what to type next. ${bin} --version prints the version.`, width),
    },
  ];
}

/** Every command that is not hidden, by group. */
export function commandGroups({ manifest, commands }: Pick<Program, "manifest" | "commands">): readonly HelpSection[] {
  return Object.entries(commands).map(([title, group]) => {
    const shown = Object.keys(group).flatMap((id) => manifest.commands[id] ?? []);
    const entries = shown.filter(({ hidden }) => !hidden);
    return { title, entries: entries.map((it) => ({ label: wordsOf(it), text: it.summary ?? "" })) };
  });
}
