import { type Command, commandsIn, TIME, updatedOutput } from "../support/program/commands.ts";
import type { Answer } from "../support/program/shell.ts";

/** See README.md for the notation. */
export interface Script {
  readonly title: string;
  readonly sections: readonly Section[];
  /** The files in the working directory of each section's machine. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Section {
  readonly title: string;
  readonly start: string;
  readonly commands: readonly Command[];
}

interface Lines {
  readonly lines: readonly string[];
  readonly firstLine: number;
}

export function readScript(text: string): Script {
  const [script = "", ...archive] = text.split(/^-- (\S+) --\n/m);
  const files: Record<string, string> = {};
  for (let at = 0; at < archive.length; at += 2) files[archive[at] ?? ""] = archive[at + 1] ?? "";
  const sections: { title: string; start: string; commands: Command[] }[] = [];
  let title = "";
  let start = "fresh";
  for (const { lines, firstLine } of blocksOf(script)) {
    const first = lines.findIndex((line) => !line.startsWith("# "));
    if (title === "") title = (lines[0] ?? "").slice(2);
    for (const line of lines) {
      const begins = /^start: (.+)$/.exec(line)?.[1];
      const heading = /^## (.+)$/.exec(line)?.[1];
      if (heading !== undefined) sections.push({ title: heading, start, commands: [] });
      if (begins === undefined) continue;
      const last = sections.at(-1);
      if (last === undefined) start = begins;
      else last.start = begins;
    }
    if (!lines[first]?.startsWith("$ ")) continue;
    const section = sections.at(-1);
    if (section === undefined) throw new Error(`line ${firstLine}: a command before the first ## heading`);
    section.commands.push(...commandsIn(lines.slice(first), firstLine + first));
  }
  return { title, sections, files };
}

/** Lines up to an empty one. */
function blocksOf(text: string): Lines[] {
  const blocks: { lines: string[]; firstLine: number }[] = [];
  let isOpen = false;
  for (const [at, line] of text.split("\n").entries()) {
    if (line !== "" && !isOpen) blocks.push({ lines: [], firstLine: at + 1 });
    if (line !== "") blocks.at(-1)?.lines.push(line);
    isOpen = line !== "";
  }
  return blocks;
}

/** The input that is typed on the command's terminal; null if it has no terminal. */
export function answersTo({ text, output }: Command): Answer[] | null {
  const answers = (output ?? []).flatMap((line): Answer[] => {
    const [, shown, hidden] = /⟨(.+)⟩|⟪(.+)⟫/.exec(line) ?? [];
    if (hidden !== undefined) return [{ text: hidden, isHidden: true }];
    return shown === undefined ? [] : [{ text: shown, isHidden: false }];
  });
  return answers.length > 0 || text.includes("/dev/tty") ? answers : null;
}

/** Both streams as a script shows them: stdout, then stderr with `2> ` before each line. */
export function asShown(stdout: readonly string[], stderr: readonly string[]): string[] {
  const marked = stdout.map((line) => (/^([12]>|[$>] |…$|$)/.test(line) ? `1> ${line}`.trimEnd() : line));
  return [...marked, ...stderr.map((line) => `2> ${line}`.trimEnd())];
}

export interface Update {
  readonly command: Command;
  readonly actual: readonly string[];
  readonly exitCode: number;
}

/** The script, with these outputs and exit codes instead of its own. */
export function updatedScript(text: string, updates: readonly Update[]): string {
  const lines = text.split("\n");
  for (const { command, actual, exitCode } of updates.toSorted((a, b) => b.command.line - a.command.line)) {
    const at = command.line - 1;
    const length = command.text.split("\n").length;
    const output = updatedOutput(command.output ?? [], actual.map(generalized));
    const written = lines.slice(at, at + length);
    if (exitCode !== command.exitCode) written[0] = withExitCode(written[0] ?? "", exitCode);
    lines.splice(at, length + (command.output?.length ?? 0), ...written, ...output);
  }
  return lines.join("\n");
}

function withExitCode(line: string, exitCode: number): string {
  const bare = line.replace(/ +# exit code \d+/, "");
  return exitCode === 0 ? bare : `${bare}  # exit code ${exitCode}`;
}

/** Replaces with `…` what differs in each run: times, tokens, digests, keys, salts, vault ids. */
const generalized = (line: string): string =>
  line
    .replace(TIME, "…")
    .replace(/(?<=…  )\d+ (?:s|min) /, "… ")
    .replace(/(?<=vsync-cfg-v1:)[\w-]{40,}/g, "…")
    .replace(/(?<=probe-)[0-9a-f]{16}|[0-9a-f]{64}|[\w+/-]{43}=|[\w+/]{22}==|(?<="vault": ?"|^vault +)[\w-]{22}/g, "…");
