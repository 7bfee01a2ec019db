import * as v from "valibot";
import type { JsonObject, Refuse } from "../../canonical-json.ts";
import { kdfShape, parseKdf } from "./kdf-field.ts";
import { base64, exactly, instant, parseShape, slotId, TOKEN_PREFIX } from "./shape.ts";

const MAX_PASSPHRASE_ENTRIES = 4;
const passphraseEntryShape = exactly({
  slot: v.pipe(
    slotId,
    v.check((slot) => !slot.startsWith(TOKEN_PREFIX)),
  ),
  kind: v.literal("passphrase"),
  recipient: base64(32),
  kdf: kdfShape,
  endorse: base64(32),
  not_after: v.exactOptional(instant),
});

/** How one passphrase opens the vault. An entry with `not_after` only reads, until its grace window ends. */
export type PassphraseEntry = v.InferOutput<typeof passphraseEntryShape>;

/** An entry of a kind from a later version. Readers skip it; writers refuse it. */
export interface UnknownEntry {
  /** Unknown entries have the kind null, which JSON entries cannot have. */
  readonly kind: null;
  readonly raw: JsonObject;
}

/** One way into the vault, as the manifest lists it. */
export type KnownEntry = PassphraseEntry;
export type UnlockEntry = KnownEntry | UnknownEntry;

/**
 * Checks form and bounds of every entry of a known kind.
 *
 * @throws UnsupportedSpecVersionError an unknown `kdf.name`
 * @throws what `refuse` makes, if form or bounds are wrong
 */
export function parseUnlock(unlock: readonly JsonObject[], refuse: Refuse): readonly UnlockEntry[] {
  if (unlock.some((entry) => typeof entry["kind"] !== "string")) throw refuse("has an unlock entry without a kind");
  const entries = unlock.map((entry) => parseEntry(entry, refuse));
  const known = entries.filter((entry) => entry.kind === "passphrase");
  if (known.length < 1 || known.length > MAX_PASSPHRASE_ENTRIES) {
    throw refuse(`has ${known.length} passphrase slots, not 1…${MAX_PASSPHRASE_ENTRIES}`);
  }
  if (new Set(known.map((entry) => entry.slot)).size !== known.length) throw refuse("names a slot twice");
  if (known.every((entry) => entry.not_after !== undefined)) throw refuse("has no slot that may write");
  return entries;
}

function parseEntry(value: JsonObject, refuse: Refuse): UnlockEntry {
  if (value["kind"] !== "passphrase") return { kind: null, raw: value };
  parseKdf(value["kdf"], "the manifest", refuse);
  return parseShape(passphraseEntryShape, value, refuse);
}

/** The entry as JSON. An entry of an unknown kind is written back unchanged. */
export function unlockJson(entry: UnlockEntry): JsonObject {
  return entry.kind === null ? entry.raw : entry;
}
