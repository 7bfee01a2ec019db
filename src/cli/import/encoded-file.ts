import { decodeBase64 } from "../../crypto/base64.ts";
import { InputError } from "../../errors.ts";
import { MAX_MODE } from "../../vault/limits.ts";
import type { Place } from "./imported-items.ts";
import type { Tree } from "./tree.ts";

/** Bytes from base64, in which white space means nothing. @throws InputError it is not that */
export function decodedBase64(text: string | null, place: Place): Uint8Array {
  const bytes = decodeBase64((text ?? "").replaceAll(/\s/g, ""));
  if (bytes !== null) return bytes;
  throw new InputError(`${place} has a value that is not base64`, {
    hint: "encode it with `base64`, or write it as text",
  });
}

/** `0640`, as `vsync export` writes it; undefined where there is none. @throws InputError it is no mode */
export function modeIn(tree: Tree | undefined, place: Place): number | undefined {
  if (tree === undefined) return undefined;
  const text = tree.kind === "scalar" ? (tree.text ?? "") : "";
  const mode = /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : MAX_MODE + 1;
  if (mode <= MAX_MODE) return mode;
  throw new InputError(`${place} has a file with an invalid mode`, { hint: 'write it in octal, as in "0640"' });
}
