import * as oclifFlags from "@oclif/core/flags";
import type { JsonObject } from "../../canonical-json.ts";
import { InputError } from "../../errors.ts";

const KEY = /^[a-z][a-z0-9_.-]*$/;
/** Keys that vsync itself writes for rotations and tokens. */
const RESERVED = [
  "event",
  "gen",
  "prev_gen",
  "leaked",
  "token",
  "tokens",
  "last_four",
  "capabilities",
  "gateway",
  "not_after",
];

export type MetaPair = readonly [key: string, value: string];

/** `--meta ticket=OPS-7`, repeatable: the user's own fields in the audit row. */
export const META_FLAG = {
  meta: oclifFlags.custom<MetaPair>({ parse: async (text) => parsePair(text), multiple: true })({
    description: "key and value to add to the audit row",
    helpValue: "<key>=<value>",
    multiple: true,
  }),
};

/** @throws InputError the same key appears twice */
export function metaOf(pairs: readonly MetaPair[] | undefined): JsonObject {
  const keys = (pairs ?? []).map(([key]) => key);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) throw new InputError(`--meta ${twice} is given twice`, { hint: "give each key once" });
  return Object.fromEntries(pairs ?? []);
}

/** Errors quote only a well-formed key: any other text may be a misplaced secret. */
function parsePair(text: string): MetaPair {
  const at = text.indexOf("=");
  const key = text.slice(0, Math.max(at, 0));
  if (!KEY.test(key)) {
    throw new InputError("--meta must be <key>=<value>, its key of lower-case letters, digits, _, . and -", {
      hint: "as in --meta ticket=OPS-7",
    });
  }
  if (RESERVED.includes(key))
    throw new InputError(`--meta ${key} is a key that vsync writes itself`, { hint: "use another key" });
  return [key, text.slice(at + 1)];
}
