import type * as v from "valibot";
import type { Refuse } from "../../canonical-json.ts";
import { type KdfCost, kdfCostFault } from "../../crypto/argon2id.ts";
import { decodeCheckedBase64, encodeBase64 } from "../../crypto/base64.ts";
import { UnsupportedSpecVersionError } from "../../errors.ts";
import { base64, count, exactly, parseShape, quoted, text } from "./shape.ts";

export const kdfShape = exactly({
  name: text,
  salt: base64(),
  iterations: count,
  memory_kib: count,
  parallelism: count,
});

/** How a slot's key is derived, under the names of its JSON: in a manifest's entry and again in the bundle's slot. */
export type KdfField = v.InferOutput<typeof kdfShape>;

/**
 * Checks a `kdf` field: name, shape and bounds. `what` names its owner in messages.
 *
 * @throws UnsupportedSpecVersionError a name other than `argon2id`
 * @throws what `refuse` makes, if shape or bounds are wrong
 */
export function parseKdf(value: unknown, what: string, refuse: Refuse): KdfField {
  checkName(value, what);
  const kdf = parseShape(kdfShape, value, refuse);
  const fault = kdfCostFault(kdfCostOf(kdf));
  if (fault !== null) throw refuse(`is refused: ${fault}`);
  return kdf;
}

/** Checked before the fields, because another key derivation has other fields. */
function checkName(kdf: unknown, what: string): void {
  const name = (kdf as { readonly name?: unknown } | null | undefined)?.name;
  if (typeof name !== "string" || name === "argon2id") return;
  throw new UnsupportedSpecVersionError(`${what} uses the unknown key derivation ${quoted(name)}`);
}

/** The cost in a parsed field. */
export function kdfCostOf({ salt, iterations, memory_kib, parallelism }: KdfField): KdfCost {
  return { salt: decodeCheckedBase64(salt), iterations, memoryKiB: memory_kib, parallelism };
}

/** The field for the manifest and the bundle. */
export function kdfFieldOf({ salt, iterations, memoryKiB, parallelism }: KdfCost): KdfField {
  return { name: "argon2id", salt: encodeBase64(salt), iterations, memory_kib: memoryKiB, parallelism };
}
