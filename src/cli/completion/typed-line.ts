import type { Command } from "@oclif/core/command";
import type { Manifest } from "@oclif/core/interfaces";
import { visible } from "../help/page.ts";

/** A command line being typed, once it names a command. */
export interface TypedLine {
  readonly command: Command.Cached;
  /** The words after the command's name, without the one at the cursor. */
  readonly rest: readonly string[];
  /** Words that are neither flags nor values of flags. */
  readonly positionals: readonly string[];
  /** The last value of each flag. */
  readonly values: Readonly<Record<string, string>>;
  readonly givenFlags: ReadonlySet<string>;
  /** The flag that still needs its value, if the last word was, for example, `--env`. */
  readonly awaiting: Command.Flag.Cached | null;
  /** The number of words after `--`, if the command runs another program; null if there is no `--` yet. */
  readonly programWords: number | null;
}

/** @param before the words between the program's name and the one at the cursor; null if they name no command */
export function readTypedLine(before: readonly string[], manifest: Manifest): TypedLine | null {
  const command = commandOf(before, manifest);
  if (command === null) return null;
  const rest = before.slice(command.id.split(":").length);
  const end = takesProgram(command) ? rest.indexOf("--") : -1;
  const scanned = scan(end === -1 ? rest : rest.slice(0, end), command);
  return { command, rest, ...scanned, programWords: end === -1 ? null : rest.length - end - 1 };
}

function commandOf(words: readonly string[], { commands }: Manifest): Command.Cached | null {
  const known = visible(commands);
  for (let length = Math.min(words.length, 3); length > 0; length--) {
    const id = words.slice(0, length).join(":");
    const command = known.find((it) => it.id === id);
    if (command !== undefined) return command;
  }
  return null;
}

function takesProgram({ usage }: Command.Cached): boolean {
  return [usage ?? []].flat().some((line) => line.includes(" -- "));
}

function scan(
  rest: readonly string[],
  { flags }: Command.Cached,
): Pick<TypedLine, "positionals" | "values" | "givenFlags" | "awaiting"> {
  const positionals: string[] = [];
  const values: Record<string, string> = {};
  const givenFlags = new Set<string>();
  let awaiting: Command.Flag.Cached | null = null;
  for (const word of rest) {
    if (awaiting !== null) {
      values[awaiting.name] = word;
      awaiting = null;
      continue;
    }
    if (!word.startsWith("--")) {
      positionals.push(word);
      continue;
    }
    const [name = "", ...value] = word.slice(2).split("=");
    givenFlags.add(name);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (value.length > 0) values[name] = value.join("=");
    else if (flag?.type === "option") awaiting = flag;
  }
  return { positionals, values, givenFlags, awaiting };
}
