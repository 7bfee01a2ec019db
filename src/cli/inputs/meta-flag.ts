import * as oclifFlags from "@oclif/core/flags";
import { InputError } from "../../errors.ts";
import type { JsonObject } from "../../vault/format/canonical-json.ts";

const KEY = /^[a-z][a-z0-9_.-]*$/;
/** What a rotation says of itself. */
const RESERVED = ["event", "gen", "prev_gen"];

export type MetaPair = readonly [key: string, value: string];

/** `--meta ticket=OPS-7`, any number of times: what the operator adds to the audit row. */
export const META_FLAG = {
  meta: oclifFlags.custom<MetaPair>({ parse: async (text) => parsePair(text), multiple: true })({
    description: "add a key and its value to the audit row",
    helpValue: "<key>=<value>",
    multiple: true,
  }),
};

/** @throws InputError a key is given twice */
export function metaOf(pairs: readonly MetaPair[] | undefined): JsonObject {
  const keys = (pairs ?? []).map(([key]) => key);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) throw new InputError(`--meta ${twice} is given twice`, { hint: "give each key once" });
  return Object.fromEntries(pairs ?? []);
}

/** What was typed is not quoted, bar a key that is one: it may be a secret at the wrong place. */
function parsePair(text: string): MetaPair {
  const at = text.indexOf("=");
  const key = text.slice(0, Math.max(at, 0));
  if (!KEY.test(key)) {
    throw new InputError("--meta must be <key>=<value>, its key of lower-case letters, digits, _, . and -", {
      hint: "as in --meta ticket=OPS-7",
    });
  }
  if (RESERVED.includes(key))
    throw new InputError(`--meta ${key} is what the rotation itself writes`, { hint: "name it otherwise" });
  return [key, text.slice(at + 1)];
}
