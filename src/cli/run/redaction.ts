import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Item } from "../../vault/item.ts";
import type { Output } from "../terminal/output.ts";
import type { ChildOutput } from "./child-output.ts";
import { pipedOutput } from "./piped-output.ts";
import { Redactor } from "./redactor.ts";
import { ValueIndex } from "./value-index.ts";
import { MIN_MASKED_BYTES, maskedValues, unmaskedNames } from "./values.ts";

const SHOWN_NAMES = 5;

/**
 * The output of a program, with all secrets of the vault masked, not only those that it is given. Warns of those that are
 * too short to mask.
 */
export async function maskedOutput(items: readonly Item[], output: Output): Promise<ChildOutput> {
  const secrets = items.filter((item) => item.kind === "secret");
  warnOfShort(unmaskedNames(secrets), output);
  const index = new ValueIndex(maskedValues(secrets));
  return pipedOutput(async (from, to) => {
    await pipeline(from, redacting(new Redactor(index)), to, { end: false }).catch((error: NodeJS.ErrnoException) => {
      // The reader has seen enough. The program learns of that from its own pipe.
      if (error.code !== "EPIPE") throw error;
    });
  });
}

function redacting(redactor: Redactor): Transform {
  return new Transform({
    transform: (chunk: Uint8Array, _encoding, done) => done(null, redactor.push(chunk)),
    flush: (done) => done(null, redactor.end()),
  });
}

function warnOfShort(names: readonly string[], output: Output): void {
  if (names.length === 0) return;
  const shown = names.slice(0, SHOWN_NAMES).join(", ");
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : "";
  output.warn(`not masked, for they are shorter than ${MIN_MASKED_BYTES} bytes: ${shown}${more}`);
}
