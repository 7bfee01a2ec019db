import type { JsonObject } from "../../canonical-json.ts";
import { UnsupportedSpecVersionError } from "../../errors.ts";
import type { Manifest } from "../format/manifest.ts";
import { quoted } from "../format/shape.ts";
import type { KnownEntry, UnlockEntry } from "../format/unlock-entry.ts";
import type { BundlePlace, EntryKind, FreshKeys } from "./key-holder.ts";
import { passphraseKind } from "./passphrase-entry.ts";

const KINDS: { readonly [Kind in KnownEntry["kind"]]: EntryKind<Extract<KnownEntry, { kind: Kind }>> } = {
  passphrase: passphraseKind,
};

/** @throws UnsupportedSpecVersionError see `requireKnownKinds` */
export async function sealEntry(entry: UnlockEntry, place: BundlePlace, keys: FreshKeys) {
  if (entry.kind === null) throw unknownKind(entry.raw["kind"]);
  return KINDS[entry.kind].seal(entry, place, keys);
}

/** A writer cannot seal to an entry of a kind that it does not know, and must not drop it. */
export function requireKnownKinds({ unlock }: Manifest): void {
  for (const entry of unlock) if (entry.kind === null) throw unknownKind(entry.raw["kind"]);
}

function unknownKind(kind: unknown): UnsupportedSpecVersionError {
  return new UnsupportedSpecVersionError(`the vault has a slot of the unknown kind ${quoted(JSON.stringify(kind))}`, {
    hint: "upgrade vsync before writing this vault: this version would shut that slot's holder out",
  });
}

/** What one entry lets its holder do. */
export interface SlotAccess {
  readonly slot: string;
  readonly access: "read-write" | "read" | "none" | "unknown";
  /** When reading ends, or ended: `YYYY-MM-DDTHH:MM:SS.mmmZ`; null for an entry that does not end. */
  readonly until: string | null;
}

/**
 * Who can open a vault at this moment, in the manifest's order. An entry of an unknown kind appears under that kind's
 * name.
 */
export function accessOf({ unlock }: Pick<Manifest, "unlock">, nowMs: number): readonly SlotAccess[] {
  return unlock.map((entry) => {
    if (entry.kind === null) return { slot: nameIn(entry.raw), access: "unknown", until: null };
    const [slot, until] = [KINDS[entry.kind].slotOf(entry), KINDS[entry.kind].untilOf(entry)];
    if (until === null) return { slot, access: "read-write", until };
    return { slot, access: nowMs < Date.parse(until) ? "read" : "none", until };
  });
}

function nameIn({ slot }: JsonObject): string {
  return typeof slot === "string" ? slot : "?";
}

/** The entries that still open the vault at `nowMs`, that is, without those whose window is over. */
export function liveEntries(unlock: readonly UnlockEntry[], nowMs: number): readonly UnlockEntry[] {
  return unlock.filter((entry) => {
    const until = untilOf(entry);
    return until === null || nowMs < Date.parse(until);
  });
}

/** The entries that may write. */
export function writerEntries(unlock: readonly UnlockEntry[]): readonly UnlockEntry[] {
  return unlock.filter((entry) => untilOf(entry) === null);
}

function untilOf(entry: UnlockEntry): string | null {
  return entry.kind === null ? null : KINDS[entry.kind].untilOf(entry);
}
