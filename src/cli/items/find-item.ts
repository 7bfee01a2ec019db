import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import { closest } from "../terminal/closest.ts";

/** @throws InputError there is no item of this name */
export function findItem(items: readonly Item[], name: string): Item {
  const found = items.find((item) => item.name === name);
  if (found !== undefined) return found;
  throw noSuchName(name, items);
}

/** Which of the vault's names a program is to get. */
export interface Selection {
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}

/** As `selectItems`, of the secrets: a file is no variable. */
export function selectSecrets(items: readonly Item[], selection: Selection): readonly Item[] {
  const secrets = items.filter((item) => item.kind === "secret");
  return selectItems(secrets, selection, "the vault has no secret");
}

/**
 * The items that are selected. A name that is not there is refused, also one to leave out: a typo there would hand over
 * what was to stay.
 *
 * @throws InputError the vault has none of one of the names
 */
export function selectItems(
  items: readonly Item[],
  { only, except }: Selection,
  fault = "the vault has no",
): readonly Item[] {
  for (const [flag, names] of Object.entries({ only, except })) {
    if (names?.includes("")) {
      throw new InputError(`--${flag} has an empty name`, {
        hint: `name what is there, as in --${flag}=DATABASE_URL,PORT`,
      });
    }
  }
  const known = new Set(items.map((item) => item.name));
  const missing = [...(only ?? []), ...(except ?? [])].find((name) => !known.has(name));
  if (missing !== undefined) throw unknownName(fault, missing, items);
  const wanted = only === undefined ? known : new Set(only);
  const unwanted = new Set(except);
  return items.filter(({ name }) => wanted.has(name) && !unwanted.has(name));
}

/** The error for a name that a command needs; its hint has the nearest one that there is. */
export const noSuchName = (name: string, items: readonly NamedItem[]): InputError =>
  unknownName("the vault has no", name, items);

type NamedItem = Pick<Item, "name">;

function unknownName(fault: string, name: string, items: readonly NamedItem[]): InputError {
  const suggestion = closest(
    name,
    items.map((item) => item.name),
  );
  const hint = suggestion === null ? "`vsync list` shows the names" : `did you mean ${suggestion}?`;
  return new InputError(`${fault} ${JSON.stringify(name)}`, { hint });
}
