import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";

/** The error for an item that a format cannot represent unchanged. It names formats that can. */
export function cannotCarry(format: string, { name }: Item, why: string, carriers: readonly string[]): InputError {
  const others = carriers.map((it) => `--format=${it}`).join(" or ");
  return new InputError(`${format} cannot carry ${JSON.stringify(name)}: ${why}`, {
    hint: `${others} carries it; or leave it out with --except=${name}`,
  });
}
