import type { JsonObject, JsonValue } from "../../../canonical-json.ts";
import { InputError } from "../../../errors.ts";
import type { Selection } from "../../items/selection.ts";

/**
 * Turns `--only` and `--except` into filters of a grant on `secrets.read`. In a name, `*` stands for any characters.
 *
 * @throws InputError an empty name, or a glob with characters other than printable ASCII
 */
export function nameFilters({ only, except }: Selection): JsonObject {
  const wanted = only === undefined ? [] : [anyOf(matchersOf("only", only))];
  const unwanted = matchersOf("except", except ?? []).map((matcher) => ({ name: { NOT: matcher } }));
  const filters: readonly JsonObject[] = [...wanted, ...unwanted];
  const [first] = filters;
  return filters.length === 1 && first !== undefined ? first : { AND: filters };
}

function anyOf(matchers: readonly JsonValue[]): JsonObject {
  const filters = matchers.map((name) => ({ name }));
  const [first] = filters;
  return filters.length === 1 && first !== undefined ? first : { OR: filters };
}

/** One matcher for all plain names, and one for each glob. */
function matchersOf(flag: string, names: readonly string[]): readonly JsonValue[] {
  if (names.includes("")) {
    throw new InputError(`--${flag} has an empty name`, {
      hint: `give names of the vault or globs, as in --${flag}='DATABASE_URL,REDIS_*'`,
    });
  }
  const exact = [...new Set(names.filter((name) => !isGlob(name)))];
  const globs = [...new Set(names.filter(isGlob))].map((glob) => ({ regex: patternOf(flag, glob) }));
  const [first] = exact;
  if (first === undefined) return globs;
  return [exact.length === 1 ? first : { oneof: exact }, ...globs];
}

/** The plain names in the lists that the vault does not have. */
export function unknownNames({ only = [], except = [] }: Selection, names: readonly string[]): readonly string[] {
  return [...only, ...except].filter((name) => !isGlob(name) && !names.includes(name));
}

function isGlob(name: string): boolean {
  return name.includes("*");
}

function patternOf(flag: string, glob: string): string {
  if (!/^[\x20-\x7e]+$/.test(glob)) {
    throw new InputError(`--${flag} has a glob with characters other than printable ASCII`, {
      hint: "write such names in full",
    });
  }
  return `^${glob.replace(/[^A-Za-z0-9_ ]/g, (sign) => (sign === "*" ? ".*" : `\\${sign}`))}$`;
}
