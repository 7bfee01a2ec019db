import type { Command } from "@oclif/core/command";
import type { Manifest } from "@oclif/core/interfaces";
import type { ExitCodes } from "../../exit-codes.ts";
import { widthOf, wrap, wrapShell } from "../terminal/layout.ts";

/** A name and what it means: `--env=<env>`, `env of the vault`. */
export interface HelpEntry {
  readonly label: string;
  readonly text: string;
  /** The flags that it needs or excludes, such as `not with --json`. Shown only in the reference. */
  readonly relations?: readonly string[];
}

export interface HelpSection {
  /** `FLAGS` */
  readonly title: string;
  readonly entries: readonly HelpEntry[];
}

/**
 * The text about one command for `--help`, its man page and docs/cli.md. Each paragraph is one line, and code is in
 * backticks.
 */
export interface HelpPage {
  /** `vsync audit verify` */
  readonly name: string;
  readonly summary: string;
  readonly usage: readonly string[];
  readonly paragraphs: readonly string[];
  readonly sections: readonly HelpSection[];
  /** Lines to type into a shell. */
  readonly examples: readonly string[];
}

type Flag = Command.Flag.Cached;
type Arg = Command.Arg.Cached;

/**
 * @throws TypeError a text contains an unknown template
 */
export function helpPage(command: Command.Cached, manifest: Manifest, bin: string): HelpPage {
  const name = `${bin} ${wordsOf(command)}`;
  const filled = (text: string): string => {
    const result = text.replaceAll("<%= config.bin %>", bin).replaceAll("<%= command.id %>", wordsOf(command));
    if (result.includes("<%")) throw new TypeError(`${command.id}: unknown template in ${JSON.stringify(text)}`);
    return result;
  };
  return {
    name,
    summary: command.summary ?? "",
    usage: [command.usage ?? []].flat().map((line) => `${bin} ${filled(line)}`),
    paragraphs: paragraphsOf(filled(command.description ?? "")),
    sections: [
      ...argSections(command),
      ...flagSections(command),
      ...belowSection(command, manifest),
      ...exitCodeSection(command),
    ],
    examples: (command.examples ?? []).map((example) =>
      filled(typeof example === "string" ? example : example.command),
    ),
  };
}

/** The same page without backticks, for media that do not set code apart. */
export function withoutMarks(page: HelpPage): HelpPage {
  const plain = (text: string): string => text.replaceAll("`", "");
  return {
    ...page,
    summary: plain(page.summary),
    paragraphs: page.paragraphs.map(plain),
    sections: page.sections.map(({ title, entries }) => ({
      title,
      entries: entries.map((entry) => ({ ...entry, text: plain(entry.text) })),
    })),
  };
}

export function wordsOf({ id }: Pick<Command.Cached, "id">): string {
  return id.replaceAll(":", " ");
}

/** `-y, --yes`, `--env=<env>`, or the choices if they are short: `--role=reader|operator`. */
function flagLabel(flag: Flag): string {
  if (flag.type === "boolean") return flag.char === undefined ? `--${flag.name}` : `-${flag.char}, --${flag.name}`;
  const choice = flag.options?.join("|");
  const value =
    [flag.helpValue ?? []].flat().join(" ") || (choice !== undefined && choice.length < 20 ? choice : "<value>");
  // Brackets mean that the value may be left out.
  return value.startsWith("[") ? `--${flag.name}[=${value.slice(1)}` : `--${flag.name}=${value}`;
}

function argSections({ args }: Command.Cached): readonly HelpSection[] {
  const entries = visible(args).map((arg: Arg) => ({
    label: arg.name.toUpperCase(),
    text: withRemarks(arg.description, [
      ...(arg.options === undefined ? [] : [`one of ${arg.options.join(", ")}`]),
      ...(arg.multiple === true ? ["may be repeated"] : []),
    ]),
  }));
  return entries.length === 0 ? [] : [{ title: "ARGUMENTS", entries }];
}

const GENERAL_GROUP = "GLOBAL";
/** The section with the flags of every command. */
export const GENERAL = "GENERAL";

/** The command's own flags first, then those with a group, then those of every command. */
function flagSections({ flags }: Command.Cached): readonly HelpSection[] {
  const all = visible(flags);
  const groups = [...new Set(all.map((flag) => flag.helpGroup ?? ""))].filter((it) => it !== GENERAL_GROUP).toSorted();
  const own = groups.map((group) => ({
    title: group === "" ? "FLAGS" : group,
    entries: all.filter((flag) => (flag.helpGroup ?? "") === group).map(flagEntry),
  }));
  const general = all.filter((flag) => flag.helpGroup === GENERAL_GROUP).map(flagEntry);
  return [...own, { title: GENERAL, entries: [...general, { label: "--help", text: "show this help" }] }];
}

function flagEntry(flag: Flag): HelpEntry {
  const label = flagLabel(flag);
  const options = flag.type === "option" ? flag.options : undefined;
  return {
    label,
    text: withRemarks(flag.description, [
      ...(options === undefined || label.endsWith(`=${options.join("|")}`) ? [] : [`one of ${options.join(", ")}`]),
      ...(typeof flag.default === "string" || typeof flag.default === "number" ? [`default ${flag.default}`] : []),
      ...(flag.required === true ? ["required"] : []),
      ...(flag.type === "option" && flag.multiple === true ? ["may be repeated"] : []),
    ]),
    relations: [...relation("only with", flag.dependsOn), ...relation("not with", flag.exclusive)],
  };
}

function relation(words: string, others: readonly string[] = []): readonly string[] {
  return others.length === 0 ? [] : [`${words} ${others.map((name) => `--${name}`).join(", ")}`];
}

/** The subcommands. */
function belowSection(command: Command.Cached, { commands }: Manifest): readonly HelpSection[] {
  const below = visible(commands).filter(({ id }) => id.startsWith(`${command.id}:`));
  const entries = below.map((it) => ({ label: wordsOf(it), text: it.summary ?? "" }));
  return entries.length === 0 ? [] : [{ title: "COMMANDS", entries }];
}

/** Shown for commands that have exit codes of their own. */
export const EXIT_CODES = "EXIT CODES";

function exitCodeSection({ exitCodes }: Command.Cached): readonly HelpSection[] {
  return exitCodes === undefined ? [] : [{ title: EXIT_CODES, entries: exitCodeEntries(exitCodes as Meanings) }];
}

type Meanings = ExitCodes["meanings"];

export function exitCodeEntries(meanings: Meanings): readonly HelpEntry[] {
  return Object.entries(meanings).map(([label, text]) => ({ label, text }));
}

function withRemarks(description: string | undefined, remarks: readonly string[]): string {
  const [text = ""] = paragraphsOf(description ?? "");
  return remarks.length === 0 ? text : `${text} (${remarks.join("; ")})`;
}

export function visible<T extends { readonly hidden?: boolean }>(all: Readonly<Record<string, T>>): readonly T[] {
  return Object.values(all).filter(({ hidden }) => !hidden);
}

/** Joins the lines of each paragraph, because line breaks in the source mean nothing. */
function paragraphsOf(text: string): readonly string[] {
  const paragraphs = text.split(/\n\s*\n/);
  return paragraphs.map((paragraph) => paragraph.trim().replace(/\s+/g, " ")).filter((paragraph) => paragraph !== "");
}

/** Lines below an optional heading. */
export interface HelpBlock {
  readonly heading?: string;
  readonly lines: readonly string[];
}

const INDENT = "  ";
/** A longer label gets a line to itself. */
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

/** Labels in one column, texts in the next. */
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

/** The width of the longest label that shares its line with a text. */
export function labelWidth(entries: readonly HelpEntry[]): number {
  return Math.max(0, ...entries.map(({ label }) => widthOf(label)).filter((it) => it <= MAX_LABEL));
}
