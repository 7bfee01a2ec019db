import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import { readsAll } from "../../vault/open/open-bundle.ts";
import { Flags, type Given } from "../command/flags.ts";
import { commandOn, type Target } from "../config/target.ts";
import type { VaultAnywhere } from "../session/open-anywhere.ts";
import { closest } from "../terminal/closest.ts";

/** @throws InputError no item has this name */
export function findItem(items: readonly Item[], name: string, target: Target | null = null): Item {
  const found = items.find((item) => item.name === name);
  if (found !== undefined) return found;
  throw noSuchNameIn(target)(name, items);
}

/**
 * Like `findItem`, for a token that may not read everything.
 *
 * @throws InputError it reads no item of this name
 */
export function findReadable({ bundle, config }: VaultAnywhere, name: string): Item {
  if (readsAll(bundle) || bundle.items.some((item) => item.name === name)) return findItem(bundle.items, name, config);
  throw new InputError(`the vault has no ${JSON.stringify(name)}, or this token may not read it`, {
    hint: "vsync list shows the names that it reads",
  });
}

/** The names in `--only` and `--except`. */
export type Selection = Given<typeof SELECTION_FLAGS>;

/** Like `selectItems`, for secrets only: a file cannot be a variable. */
export function selectSecrets(items: readonly Item[], selection: Selection): readonly Item[] {
  const secrets = items.filter((item) => item.kind === "secret");
  return selectItems(secrets, selection, null, "the vault has no secret");
}

/**
 * The selected items. An unknown name in `--except` is an error too, because a typo there would hand the secret over.
 *
 * @throws InputError the vault does not have one of the names
 */
export function selectItems(
  items: readonly Item[],
  { only, except }: Selection,
  target: Target | null,
  fault = "the vault has no",
): readonly Item[] {
  refuseEmptyNames({ only, except });
  const known = new Set(items.map((item) => item.name));
  const missing = [...(only ?? []), ...(except ?? [])].find((name) => !known.has(name));
  if (missing !== undefined) throw unknownName(fault, missing, items, target);
  const wanted = only === undefined ? known : new Set(only);
  const unwanted = new Set(except);
  return items.filter(({ name }) => wanted.has(name) && !unwanted.has(name));
}

/**
 * @throws InputError a list contains an empty name; the keys of `lists` are flags
 */
export function refuseEmptyNames(lists: Readonly<Record<string, readonly string[] | undefined>>): void {
  const [flag] = Object.entries(lists).find(([, names]) => names?.includes("") === true) ?? [];
  if (flag === undefined) return;
  throw new InputError(`--${flag} has an empty name`, {
    hint: `give names from the vault, as in --${flag}=DATABASE_URL,PORT`,
  });
}

/** Makes the error for a name that the env lacks. Its hint suggests the closest one. */
export const noSuchNameIn =
  (target: Target | null) =>
  (name: string, items: readonly NamedItem[]): InputError =>
    unknownName("the vault has no", name, items, target);

type NamedItem = Pick<Item, "name">;

function unknownName(fault: string, name: string, items: readonly NamedItem[], target: Target | null): InputError {
  const suggestion = closest(
    name,
    items.map((item) => item.name),
  );
  const hint = suggestion === null ? `${commandOn(target, "list")} shows the names` : `did you mean ${suggestion}?`;
  return new InputError(`${fault} ${JSON.stringify(name)}`, { hint });
}

const KEYS = { helpValue: "<key>,<key>", multiple: true, delimiter: "," } as const;

export const SELECTION_FLAGS = {
  only: Flags.string({
    description: "only these names in the vault (comma-separated)",
    ...KEYS,
    exclusive: ["except"],
  }),
  except: Flags.string({ description: "all names but these (comma-separated)", ...KEYS }),
};
