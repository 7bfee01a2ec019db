import { type ArgInput, type FlagInput, parse } from "@oclif/core/parser";
import { InputError, VsyncError } from "../../errors.ts";
import { closest } from "../terminal/closest.ts";

/** The part of a command's declaration that the parser needs. */
export interface Declaration {
  readonly id: string;
  readonly flags: FlagInput;
  readonly args: ArgInput;
  /** `get ENV KEY [flags]`, if the command gives its own usage line. */
  readonly usage?: string | undefined;
  readonly bareValues?: Readonly<Record<string, string>> | undefined;
  readonly surplus?: { readonly message: string; readonly hint: string } | undefined;
  /** The words after `--` are another program's command line, passed on unchanged. */
  readonly takesCommandLine: boolean;
}

export interface Parsed {
  readonly flags: Record<string, unknown>;
  readonly args: Record<string, unknown>;
  /** The words after `--`; null without one, or if the command takes none. */
  readonly commandLine: readonly string[] | null;
}

/**
 * Parses by oclif's rules, with our own error messages: oclif's quote what the user typed, which may be a misplaced
 * secret, and exit with 2. Ours name flags and arguments, never values.
 *
 * @throws InputError the words do not match the declaration
 */
export async function parseArgv(argv: readonly string[], declaration: Declaration): Promise<Parsed> {
  const [own, commandLine] = splitCommandLine(argv, declaration.takesCommandLine);
  const { args } = declaration;
  try {
    const flags = oneValueEach(declaration.flags);
    const words = withValues(own, declaration.bareValues ?? {});
    const output = await parse(words, { flags, args, strict: true, context: {} as never });
    return { flags: output.flags, args: output.args, commandLine };
  } catch (error) {
    if (declaration.takesCommandLine && commandLine === null)
      throw withoutDashes(own, declaration) ?? asInputError(error as OclifComplaint, declaration);
    throw asInputError(error as OclifComplaint, declaration);
  }
}

/** The words after the program belong to it and cannot be parsed, so the error points at the program's name. */
function withoutDashes(words: readonly string[], declaration: Declaration): InputError | undefined {
  const at = programAt(words, declaration);
  if (at === -1) return undefined;
  const more = at + 1 < words.length ? " …" : "";
  const typed = [...words.slice(0, at), "--", words[at]].join(" ");
  return new InputError("the program to run comes after --", {
    hint: `put -- before the program: ${commandName(declaration)} ${typed}${more}`,
  });
}

/** The index of the first argument after the env, or -1. */
function programAt(words: readonly string[], { flags, bareValues = {} }: Declaration): number {
  let isEnvGiven = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const name = word.slice("--".length).split("=", 1)[0] ?? "";
    if (word.startsWith("-")) {
      if (word.startsWith("--env")) isEnvGiven = true;
      const takesNext = flags[name]?.type === "option" && !word.includes("=") && !(name in bareValues);
      if (takesNext) at++;
    } else if (isEnvGiven) return at;
    else isEnvGiven = true;
  }
  return -1;
}

/** Fills in a flag whose value may be left out: `--generate[=<length>]`. oclif has no such flags. */
function withValues(argv: readonly string[], values: Readonly<Record<string, string>>): string[] {
  return argv.map((word) => {
    const value = word.startsWith("--") ? values[word.slice(2)] : undefined;
    return value === undefined ? word : `${word}=${value}`;
  });
}

export function splitCommandLine(
  argv: readonly string[],
  takesCommandLine: boolean,
): [readonly string[], readonly string[] | null] {
  const at = takesCommandLine ? argv.indexOf("--") : -1;
  return at === -1 ? [argv, null] : [argv.slice(0, at), argv.slice(at + 1)];
}

/** By default, oclif treats the arguments after a repeatable flag, such as the env's name, as more of its values. */
function oneValueEach(flags: FlagInput): FlagInput {
  const entries = Object.entries(flags).map(([name, flag]) =>
    flag.type === "option" && flag.multiple ? [name, { ...flag, multipleNonGreedy: true }] : [name, flag],
  );
  return Object.fromEntries(entries);
}

/** The properties of oclif's errors. oclif does not export the classes, and a minifier renames them. */
interface OclifComplaint extends Error {
  readonly flags?: readonly string[];
  readonly args?: readonly (string | { readonly name: string })[];
  readonly parse?: { readonly output?: { readonly flags: Record<string, unknown> } };
}

function asInputError(error: OclifComplaint, declaration: Declaration): Error {
  if (error instanceof VsyncError) return withoutFrame(error);
  const help = { hint: `see ${commandName(declaration)} --help` };
  if (error.flags !== undefined) return unknownFlag(error.flags[0] ?? "", declaration);
  if (error.args !== undefined) return wrongArgs(error.args, declaration);
  if (error.parse?.output !== undefined) {
    const { flags } = error.parse.output;
    const choices = choicesOfMissing(flags, declaration.flags);
    return new InputError(clash(flags, declaration.flags), choices === null ? help : { hint: choices });
  }
  return new InputError(ownWords(error.message), help);
}

/** Recovers an error that a flag's own parser threw: oclif has changed its message. */
function withoutFrame(error: VsyncError): VsyncError {
  error.message = unframed(error.message);
  return error;
}

function unframed(message: string): string {
  return message.replace(/^Parsing --\S+ \n\t/, "").replace(/\nSee more help with --help$/, "");
}

function unknownFlag(token: string, declaration: Declaration): InputError {
  const name = token.split("=", 1)[0] ?? "";
  const known = Object.keys(declaration.flags).map((flag) => `--${flag}`);
  const suggestion = closest(name, [...known, "--help"]);
  const named = /^--?[a-z][a-z0-9-]*$/i.test(name) ? `unknown flag ${name}` : "unknown flag";
  return new InputError(named, {
    hint: suggestion === null ? `see ${commandName(declaration)} --help` : `did you mean ${suggestion}?`,
  });
}

function wrongArgs(args: readonly (string | { readonly name: string })[], declaration: Declaration): InputError {
  const missing = args.flatMap((it) => (typeof it === "string" ? [] : [it.name.toUpperCase()]));
  if (missing.length === 0 && declaration.surplus !== undefined)
    return new InputError(declaration.surplus.message, declaration.surplus);
  const fault = missing.length > 0 ? `missing ${missing.join(", ")}` : surplus(args.length);
  const usage =
    declaration.usage === undefined
      ? `${commandName(declaration)} ${usageOf(declaration)}`
      : `vsync ${declaration.usage}`;
  return new InputError(fault, { hint: `usage: ${usage}` });
}

function surplus(count: number): string {
  return count === 1 ? "1 argument too many" : `${count} arguments too many`;
}

/** The rule that the flags break. oclif's own message would quote values. */
function clash(given: Record<string, unknown>, flags: FlagInput): string {
  for (const [name, flag] of Object.entries(flags)) {
    if (given[name] === undefined) {
      if (flag.required) return `missing --${name}`;
      continue;
    }
    const rival = flag.exclusive?.find((other) => given[other] !== undefined && given[other] !== false);
    if (rival !== undefined) return `--${name} cannot be used together with --${rival}`;
    const missing = flag.dependsOn?.find((other) => given[other] === undefined);
    if (missing !== undefined) return `--${name} needs --${missing}`;
  }
  return "these flags cannot be used together";
}

/** The choices of a missing required flag, if it has choices. */
function choicesOfMissing(given: Record<string, unknown>, flags: FlagInput): string | null {
  for (const [name, flag] of Object.entries(flags)) {
    if (given[name] !== undefined || !flag.required) continue;
    const options = flag.type === "option" ? flag.options : undefined;
    return options === undefined ? null : `give --${name}= one of ${options.join(", ")}`;
  }
  return null;
}

/** oclif's message about a flag's value, without the value. */
function ownWords(message: string): string {
  const option = /^Expected --(\S+?)=[\s\S]* to be one of: (.+)$/m.exec(unframed(message));
  if (option !== null) return `--${option[1]} must be one of ${option[2]}`;
  const choice = /^Expected [\s\S]* to be one of: (.+)$/m.exec(unframed(message));
  if (choice !== null) return `the argument must be one of ${choice[1]}`;
  const integer = /^Parsing --(\S+) \n\tExpected an integer(.*?)(?: but received:|$)/m.exec(message);
  if (integer !== null) return `--${integer[1]} must be an integer${integer[2]}`;
  return unframed(message).replace(/^Flag /, "");
}

function commandName({ id }: { readonly id: string }): string {
  return `vsync ${id.replaceAll(":", " ")}`;
}

interface Usage {
  readonly args: Readonly<Record<string, { readonly required?: boolean; readonly multiple?: boolean }>>;
  readonly flags: Readonly<
    Record<
      string,
      {
        readonly type?: string;
        readonly required?: boolean | undefined;
        readonly helpValue?: string | readonly string[] | undefined;
      }
    >
  >;
  readonly takesCommandLine: boolean;
}

/** The usage line after the command's name: `KEY [OTHER] --format=<format> [flags]`. */
export function usageOf({ args, flags, takesCommandLine }: Usage): string {
  const words = Object.entries(args).map(([name, { required, multiple }]) => {
    const word = `${name.toUpperCase()}${multiple ? "…" : ""}`;
    return required ? word : `[${word}]`;
  });
  const required = Object.entries(flags).filter(([, flag]) => flag.required === true);
  const needed = required.map(([name, { type, helpValue = `<${name}>` }]) => {
    return type === "boolean" ? `--${name}` : `--${name}=${[helpValue].flat().join(" ")}`;
  });
  return [...words, ...needed, "[flags]", ...(takesCommandLine ? ["-- COMMAND…"] : [])].join(" ");
}
