import type { Command } from "@oclif/core/command";
import type { Manifest } from "@oclif/core/interfaces";
import { visible } from "../help/page.ts";
import type { Output } from "../terminal/output.ts";
import { type KnownNames, knownNames } from "./known-names.ts";
import { readTypedLine, type TypedLine } from "./typed-line.ts";

/** Words that need no quotes in a shell. */
const PLAIN = /^[\w.,=:/@+-]+$/;

/**
 * Implements `vsync completion words -- word…` for the scripts of `vsync completion <shell>`. Prints one candidate per
 * line, followed by a tab and a description, or else `:files`, `:folders` or `:programs`. Errors stay silent, because
 * the user is still typing.
 */
export async function answerShell(
  words: readonly string[],
  manifest: Manifest,
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): Promise<void> {
  try {
    const completion = await complete(words[0] === "--" ? words.slice(1) : words, manifest, knownNames(env));
    if (typeof completion === "string") return output.line(`:${completion}`);
    const safe = completion.filter(({ word }) => PLAIN.test(word));
    output.raw(safe.map(({ word, about }) => `${word}\t${about.replace(/\s+/g, " ")}\n`).join(""));
  } catch {
    // Offer nothing.
  }
}

/** A word to offer at the cursor. */
export interface Candidate {
  /** The whole word, including the part already typed. */
  readonly word: string;
  /** A description, which some shells show. May be empty. */
  readonly about: string;
}

/** Words, or a kind of name that the shell can list by itself. */
export type Completion = readonly Candidate[] | "files" | "folders" | "programs";

/** @param words after the program's name, up to and including the one at the cursor, which may be empty */
export async function complete(words: readonly string[], manifest: Manifest, names: KnownNames): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const line = readTypedLine(before[0] === "help" ? before.slice(1) : before, manifest);
  const found = line === null ? commandWords(before, manifest) : await after(line, current, manifest, names);
  return typeof found === "string" ? found : found.filter(({ word }) => word.startsWith(current));
}

function commandWords(before: readonly string[], { commands }: Manifest): readonly Candidate[] {
  if (before.length > 1 || (before.length === 1 && before[0] !== "help")) return [];
  const all = visible(commands).filter(({ id }) => !id.includes(":"));
  const flags = before.length === 0 ? [HELP_FLAG, { word: "--version", about: "print the version" }] : [];
  const help = before.length === 0 ? [{ word: "help", about: "explain a command" }] : [];
  return [...all.map(({ id, summary = "" }) => ({ word: id, about: summary })), ...help, ...flags];
}

const HELP_FLAG: Candidate = { word: "--help", about: "explain the command" };

async function after(line: TypedLine, current: string, manifest: Manifest, names: KnownNames): Promise<Completion> {
  if (line.programWords !== null) return line.programWords === 0 ? "programs" : "files";
  if (line.awaiting !== null) return flagValue(line.awaiting, "", current, line, names);
  const assigned = /^--([a-z-]+)=/.exec(current);
  const flag = assigned === null ? undefined : line.command.flags[assigned[1] ?? ""];
  if (flag !== undefined) return flagValue(flag, assigned?.[0] ?? "", current, line, names);
  if (current.startsWith("-")) return flagWords(line);
  const positional = await argWords(line, names);
  const found = [...belowWords(line, manifest), ...positional];
  return found.length === 0 && current === "" ? flagWords(line) : found;
}

/** Offers `verify` after `audit`. */
function belowWords({ command, rest }: TypedLine, { commands }: Manifest): readonly Candidate[] {
  if (rest.length > 0) return [];
  const below = visible(commands).filter(({ id }) => id.startsWith(`${command.id}:`));
  return below.map(({ id, summary = "" }) => ({ word: id.slice(command.id.length + 1), about: summary }));
}

/** Leaves out flags already given, unless they may be repeated. */
function flagWords({ command, givenFlags }: TypedLine): readonly Candidate[] {
  const offered = visible(command.flags).filter(
    (flag) => !givenFlags.has(flag.name) || (flag.type === "option" && flag.multiple === true),
  );
  const isGeneral = ({ helpGroup }: Command.Flag.Cached): boolean => helpGroup === "GLOBAL";
  const ordered = [...offered.filter((flag) => !isGeneral(flag)), ...offered.filter(isGeneral)];
  const words = ordered.map((flag) => ({
    word: flag.type === "boolean" ? `--${flag.name}` : `--${flag.name}=`,
    about: flag.description?.replaceAll("`", "") ?? "",
  }));
  return [...words, HELP_FLAG];
}

/** If `--env` is given, the first word is what would otherwise be the second. */
async function argWords(line: TypedLine, names: KnownNames): Promise<readonly Candidate[]> {
  const { command, positionals, values } = line;
  const args = Object.values(command.args).filter(({ name }) => name !== "env" || values["env"] === undefined);
  const arg = args[positionals.length] ?? args.findLast(isRepeated);
  if (arg?.options !== undefined) return plain(arg.options);
  switch (arg?.name) {
    case "env":
      return plain(await names.envs(values["repo"]));
    case "key":
      return plain((await names.keys(values["env"] ?? positionals[0])).filter((it) => !positionals.includes(it)));
    case "token": {
      const known = await names.tokens(values["repo"], values["env"] ?? positionals[0]);
      return plain(known.filter((it) => !positionals.includes(it)));
    }
    default:
      return [];
  }
}

const isRepeated = ({ multiple }: Command.Arg.Cached): boolean => multiple === true;

/** @param left the part of the word at the cursor before the value: `--env=` */
async function flagValue(
  flag: Command.Flag.Cached,
  left: string,
  current: string,
  line: TypedLine,
  names: KnownNames,
): Promise<Completion> {
  if (flag.type !== "option") return [];
  if (flag.options !== undefined) return plain(flag.options, left);
  if (flag.name === "repo") return plain(await names.repos(), left);
  switch ([flag.helpValue ?? []].flat().join("")) {
    case "<env>":
      return plain(await names.envs(line.values["repo"]), left);
    case "<key>":
      return plain(await names.keys(envOf(line)), left);
    case "<key>,<key>":
      return listed(await names.keys(envOf(line)), current, left);
    case "<file>":
    case "<path>":
      return "files";
    case "<name>=<path>":
      return current.slice(left.length).includes("=") ? "files" : [];
    case "<folder>":
      return "folders";
    default:
      return [];
  }
}

const envOf = ({ values, positionals }: TypedLine): string | undefined => values["env"] ?? positionals[0];

/** Continues `A,B,` with the keys not in it yet. */
function listed(keys: readonly string[], current: string, left: string): readonly Candidate[] {
  const given = current.slice(left.length).split(",").slice(0, -1);
  const start = left + given.map((key) => `${key},`).join("");
  return plain(
    keys.filter((key) => !given.includes(key)),
    start,
  );
}

const plain = (words: readonly string[], left = ""): readonly Candidate[] =>
  words.map((word) => ({ word: left + word, about: "" }));
