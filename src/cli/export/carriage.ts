import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/item.ts";
import { isVariableName } from "../items/variable-name.ts";

/** A format that cannot carry an item as it is refuses it by name, and names what can. */
export function cannotCarry(format: string, { name }: Item, why: string, carriers: readonly string[]): InputError {
  const others = carriers.map((it) => `--format=${it}`).join(" or ");
  return new InputError(`${format} cannot carry ${JSON.stringify(name)}: ${why}`, {
    hint: `${others} carries it; or leave it out with --except=${name}`,
  });
}

/** The text of a secret, for formats that are lines of text. @throws InputError it is a file, or has a NUL */
export function textFor(format: string, item: Item): string {
  if (item.kind === "file") throw cannotCarry(format, item, "it is a file", ["json", "k8s"]);
  const text = item.data.exposeText();
  if (text.includes("\0")) throw cannotCarry(format, item, "its value has a NUL character", ["json", "k8s"]);
  return text;
}

/** As `textFor`, and the name must be a variable's. */
export function variableFor(format: string, item: Item): string {
  const text = textFor(format, item);
  if (isVariableName(item.name)) return text;
  throw cannotCarry(format, item, "its name is not one that a variable can have", ["json"]);
}
