import { InputError } from "../../errors.ts";
import { type JsonFault, MAX_JSON_DEPTH, readJsonTree, type Tree } from "../config/json-tree.ts";
import { FLAT_HINT, placeAt, repeatedKey } from "./imported-items.ts";

/**
 * Reads a JSON text. The YAML parser could read it too, but its time grows with the square of the length of a string
 * with escapes.
 *
 * @throws InputError naming the line
 */
export function readJson(text: string, label: string): Tree {
  const read = readJsonTree(text);
  if ("fault" in read) throw notJson(read.fault, label);
  if (read.repeated !== null) throw repeatedKey(read.repeated, label);
  return read.tree;
}

function notJson({ line, column, isTooDeep }: JsonFault, label: string): InputError {
  if (isTooDeep) {
    return new InputError(`${placeAt(label, line)} nests deeper than ${MAX_JSON_DEPTH} levels`, { hint: FLAT_HINT });
  }
  return new InputError(`${placeAt(label, line)} is not JSON (column ${column})`, {
    hint: "check the quotes and commas there",
  });
}

/**
 * Parses JSON written by hand.
 *
 * @throws InputError naming the line
 */
export function parseJson(text: string, label: string, hint: string): unknown {
  const read = readJsonTree(text);
  if ("fault" in read) {
    const { line, column } = read.fault;
    throw new InputError(`${label} is not JSON: line ${line}, column ${column}`, { hint });
  }
  if (read.repeated !== null) throw repeatedKey(read.repeated, label);
  return JSON.parse(text);
}
