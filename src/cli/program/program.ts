import type { Manifest, PJSON } from "@oclif/core/interfaces";
import { DAY_TO_DAY_EXIT_CODES, UNEXPECTED_EXIT_CODE } from "../../exit-codes.ts";
import { exitCodeOf, HANG_UP_EXIT_CODE, reportFailure, saysHangUp } from "../command/ending.ts";
import { setVersion } from "../command/version.ts";
import { Output } from "../terminal/output.ts";
import { STDERR, STDOUT } from "../terminal/standard-streams.ts";
import { type CommandTable, findCommand, loadersOf } from "./command-table.ts";

export interface ProgramParts {
  /** From this program's package.json. */
  readonly pjson: PJSON;
  /** The commit that the program was built from; null if git did not know. */
  readonly commit?: string | null;
  /** Resolves with the content of `oclif.manifest.json`; without it, help imports every command. */
  readonly loadManifest?: () => Promise<Manifest>;
  readonly commands: CommandTable;
}

/**
 * Runs one command line (without the program's name) and sets the exit code of the process. Never rejects.
 *
 * oclif declares, parses and explains the commands. We find the command ourselves, because oclif's search asks
 * questions, quotes what was typed, and exits with 2 or 127.
 */
export async function runProgram(argv: readonly string[], parts: ProgramParts): Promise<void> {
  const output = new Output(STDOUT, STDERR, process.env);
  process.on("uncaughtException", (error) => {
    if (saysHangUp(error)) process.exit(HANG_UP_EXIT_CODE);
    reportFailure(error, output, { withStack: wantsStack(argv) });
    process.exit(UNEXPECTED_EXIT_CODE);
  });
  const report = (error: unknown): void => {
    process.exitCode = exitCodeOf(error, DAY_TO_DAY_EXIT_CODES);
    reportFailure(error, output, { withStack: wantsStack(argv) });
  };
  // A promise that nothing will settle does not keep a process alive, which would then end with 0.
  // A question listens, too: Ctrl-D leaves it nothing to wait for, and it says so itself.
  const reportUnfinished = (): void => {
    if (process.listenerCount("beforeExit") === 1) report(new Error("vsync ended before the command was done"));
  };
  process.on("beforeExit", reportUnfinished);
  setVersion(parts.pjson.version);
  try {
    await dispatch(argv, parts, output);
  } catch (error) {
    report(error);
  } finally {
    process.removeListener("beforeExit", reportUnfinished);
  }
}

async function dispatch(argv: readonly string[], parts: ProgramParts, output: Output): Promise<void> {
  if (argv.length === 0) return (await import("../status/overview.ts")).showOverview(process.env, output);
  if (argv[0] === "completion" && argv[1] === "words") return answerShell(argv.slice(2), parts, output);
  if (argv[0] === "--version") return output.line(versionLine(parts));
  if (asksForHelp(argv))
    return showHelp(
      argv.filter((word) => !isHelpFlag(word)),
      parts,
      output,
    );
  const loaders = loadersOf(parts.commands);
  const { id, rest } = findCommand(argv, Object.keys(loaders));
  const found = await loaders[id]?.();
  if (found === undefined) throw new TypeError(`no command ${id}`);
  found.id = id;
  await new found(rest).run();
}

function versionLine({ pjson, commit }: ProgramParts): string {
  return `${pjson.name}/${pjson.version}${commit ? ` (${commit})` : ""}`;
}

/** For failures before the flags are parsed. */
const wantsStack = (argv: readonly string[]): boolean => argv.includes("--log-level=debug");

const isHelpFlag = (word: string): boolean => word === "--help" || word === "-h";

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv[0] === "help" || argv.slice(0, end === -1 ? argv.length : end).some(isHelpFlag);
}

async function showHelp(words: readonly string[], parts: ProgramParts, output: Output): Promise<void> {
  const subject = words[0] === "help" ? words.slice(1) : words;
  const { bin = parts.pjson.name } = parts.pjson.oclif;
  const manifest = await manifestOf(parts);
  const help = await import("../help/show.ts");
  const id = subject[0] === "--all" ? help.EVERY_COMMAND : commandIn(subject, parts);
  help.showHelp(id, { bin, description: parts.pjson.description ?? "", manifest, commands: parts.commands }, output);
}

function commandIn(words: readonly string[], { commands }: ProgramParts): string | null {
  return words.length === 0 ? null : findCommand(words, Object.keys(loadersOf(commands))).id;
}

async function manifestOf(parts: ProgramParts): Promise<Manifest> {
  const stored = await parts.loadManifest?.();
  // A command that is still being written is not in the manifest.
  const ids = Object.keys(loadersOf(parts.commands));
  if (stored !== undefined && ids.every((id) => id in stored.commands)) return stored;
  const { makeManifest } = await import("./oclif-manifest.ts");
  return makeManifest(parts.pjson, parts.commands);
}

/** Comes before all other parsing, because the words, including flags, are a line that the user is still typing. */
async function answerShell(words: readonly string[], parts: ProgramParts, output: Output): Promise<void> {
  const completion = await import("../completion/complete.ts");
  await completion.answerShell(words, await manifestOf(parts), process.env, output);
}
