import { parse } from "dotenv";
import type { Item } from "../../vault/item.ts";
import { dotenvAssignment } from "../items/dotenv-writer.ts";
import { cannotCarry, variableFor } from "./carriage.ts";

/**
 * A dotenv file that vsync and the `dotenv` package read to the same values.
 *
 * @throws InputError an item is no text, no variable, or has a value that no quoting keeps for both
 */
export function encodeDotenvExport(items: readonly Item[]): string {
  return items.map((item) => `${assignmentFor(item)}\n`).join("");
}

function assignmentFor(item: Item): string {
  const text = variableFor("dotenv", item);
  const assignment = dotenvAssignment(item);
  if (assignment !== null && parse(assignment)[item.name] === text) return assignment;
  throw cannotCarry("dotenv", item, "no quoting keeps its value", ["shell", "json"]);
}
