import type { Command } from "@oclif/core/command";
import type { Manifest } from "@oclif/core/interfaces";

/** A name and what it means: `--env=<env>`, `environment of the vault`. */
export interface HelpEntry {
  readonly label: string;
  readonly text: string;
  /** What it needs and what it excludes, for where there is room: `not with --json`. */
  readonly relations?: readonly string[];
}

export interface HelpSection {
  /** `FLAGS` */
  readonly title: string;
  readonly entries: readonly HelpEntry[];
}

/** What is to be said of one command, whoever shows it: `--help`, a man page, the reference. A paragraph is one line; code is in backticks. */
export interface HelpPage {
  /** `vsync audit verify` */
  readonly name: string;
  readonly summary: string;
  readonly usage: readonly string[];
  readonly paragraphs: readonly string[];
  readonly sections: readonly HelpSection[];
  /** Lines for a shell. */
  readonly examples: readonly string[];
}

type Flag = Command.Flag.Cached;
type Arg = Command.Arg.Cached;

/** @throws TypeError a text has a template that is not known */
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
    sections: [...argSections(command), ...flagSections(command), ...belowSection(command, manifest)],
    examples: (command.examples ?? []).map((example) =>
      filled(typeof example === "string" ? example : example.command),
    ),
  };
}

/** The same page where code looks like everything else. */
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

/** `-y, --yes`, `--env=<env>`; a short choice takes the place of the value's name. */
function flagLabel(flag: Flag): string {
  if (flag.type === "boolean") return flag.char === undefined ? `--${flag.name}` : `-${flag.char}, --${flag.name}`;
  const choice = flag.options?.join("|");
  const value =
    [flag.helpValue ?? []].flat().join(" ") || (choice !== undefined && choice.length < 20 ? choice : "<value>");
  return `--${flag.name}=${value}`;
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
/** The section of what every command takes. */
export const GENERAL = "GENERAL";

/** The command's own first, then by group, what every command takes last. */
function flagSections({ flags }: Command.Cached): readonly HelpSection[] {
  const all = visible(flags);
  const groups = [...new Set(all.map((flag) => flag.helpGroup ?? ""))].filter((it) => it !== GENERAL_GROUP).toSorted();
  const own = groups.map((group) => ({
    title: group === "" ? "FLAGS" : group,
    entries: all.filter((flag) => (flag.helpGroup ?? "") === group).map(flagEntry),
  }));
  const general = all.filter((flag) => flag.helpGroup === GENERAL_GROUP).map(flagEntry);
  return [...own, { title: GENERAL, entries: [...general, { label: "--help", text: "show this" }] }];
}

function flagEntry(flag: Flag): HelpEntry {
  const label = flagLabel(flag);
  const options = flag.type === "option" ? flag.options : undefined;
  return {
    label,
    text: withRemarks(flag.description, [
      ...(options === undefined || label.includes("|") ? [] : [`one of ${options.join(", ")}`]),
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

/** The commands that go by this one's name and one more word. */
function belowSection(command: Command.Cached, { commands }: Manifest): readonly HelpSection[] {
  const below = visible(commands).filter(({ id }) => id.startsWith(`${command.id}:`));
  const entries = below.map((it) => ({ label: wordsOf(it), text: it.summary ?? "" }));
  return entries.length === 0 ? [] : [{ title: "COMMANDS", entries }];
}

function withRemarks(description: string | undefined, remarks: readonly string[]): string {
  const [text = ""] = paragraphsOf(description ?? "");
  return remarks.length === 0 ? text : `${text} (${remarks.join("; ")})`;
}

export function visible<T extends { readonly hidden?: boolean }>(all: Readonly<Record<string, T>>): readonly T[] {
  return Object.values(all).filter(({ hidden }) => hidden !== true);
}

/** Lines are broken where the text is shown, not where it was written. */
function paragraphsOf(text: string): readonly string[] {
  const paragraphs = text.split(/\n\s*\n/);
  return paragraphs.map((paragraph) => paragraph.trim().replace(/\s+/g, " ")).filter((paragraph) => paragraph !== "");
}
