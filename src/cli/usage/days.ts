import * as oclifFlags from "@oclif/core/flags";
import { InputError } from "../../errors.ts";

/** A flag whose value is a UTC day. Parsing it throws an InputError that names the flag. */
export function dayFlag(name: string, description: string) {
  return oclifFlags.custom({ parse: async (text) => requireDay(name, text) })({
    description,
    helpValue: "<yyyy-mm-dd>",
  });
}

function requireDay(name: string, text: string): string {
  const date = new Date(text);
  if (!Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text) return text;
  throw new InputError(`--${name} must be a day`, { hint: "write it as in 2026-11-30" });
}
