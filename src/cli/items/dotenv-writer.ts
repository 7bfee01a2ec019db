import type { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { type DotenvEntry, parseDotenv } from "./dotenv.ts";

/** Values that every reader of dotenv files, and a shell, takes literally. */
const PLAIN = /^[A-Za-z0-9_./:@%+,=-]*$/;

/**
 * The secrets as a dotenv file that `parseDotenv` reads back to the same names and values, in their order.
 *
 * @param env for the hint
 * @throws InputError naming a secret whose value no quoting keeps
 */
export function encodeDotenv(secrets: readonly NamedData[], env: string): Uint8Array {
  return Buffer.concat(secrets.map((secret) => Buffer.from(`${assignmentOf(secret, env)}\n`)));
}

function assignmentOf(secret: NamedData, env: string): string {
  const assignment = dotenvAssignment(secret);
  if (assignment !== null) return assignment;
  const { name } = secret;
  throw new InputError(`${JSON.stringify(name)} cannot be written into a dotenv file: no quoting keeps it as it is`, {
    hint: `get it with vsync get ${env} ${name} --raw or --json; nothing was written`,
  });
}

/** `NAME=value`, quoted if necessary, without the line end; null if no quoting keeps the value. */
export function dotenvAssignment({ name, data }: Pick<NamedData, "name" | "data">): string | null {
  const value = data.exposeText();
  if (PLAIN.test(value) && readsBack(`${name}=${value}`, name, data)) return `${name}=${value}`;
  const lines = formsOf(value).map((form) => `${name}=${form}`);
  return lines.find((line) => readsBack(line, name, data)) ?? null;
}

/** The most portable first: single quotes keep shells from expanding `$` and backslashes. */
function formsOf(value: string): readonly string[] {
  return [`'${value}'`, `"${value.replaceAll("\r", "\\r")}"`, `\`${value}\``, value];
}

/** Tried on each value, because the rules have corners (a backslash at the end, `\n` in double quotes). */
function readsBack(line: string, name: string, data: Secret): boolean {
  const entries = parsed(line);
  const [entry] = entries;
  return entries.length === 1 && entry?.name === name && Buffer.compare(entry.value.expose(), data.expose()) === 0;
}

function parsed(line: string): readonly DotenvEntry[] {
  try {
    return parseDotenv(Buffer.from(`${line}\n`), "this").entries;
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
}
