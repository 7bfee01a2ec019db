import type { Manifest, PassphraseEntry } from "./manifest.ts";

/** What one slot lets its holder do. */
export interface SlotAccess {
  readonly slot: string;
  readonly access: "read-write" | "read" | "none" | "unknown";
  /** When reading ends, or ended: `YYYY-MM-DDTHH:MM:SS.mmmZ`; null for a slot that does not end. */
  readonly until: string | null;
}

/** Who can open a vault at this moment, in the manifest's order. Slots of kinds that this version does not know are named. */
export function slotAccess({ unlock }: Manifest, nowMs: number): readonly SlotAccess[] {
  return unlock.map((entry) => {
    const slot = typeof entry["slot"] === "string" ? entry["slot"] : "?";
    if (entry["kind"] !== "passphrase") return { slot, access: "unknown", until: null };
    const until = typeof entry["not_after"] === "string" ? entry["not_after"] : null;
    if (until === null) return { slot, access: "read-write", until };
    return { slot, access: nowMs < Date.parse(until) ? "read" : "none", until };
  });
}

/** The slot of those who may write, which configs and tokens hint at: a manifest that has been parsed has one. */
export function operatorEntry({ unlock }: Manifest): PassphraseEntry | undefined {
  const entries = unlock as unknown as readonly PassphraseEntry[];
  return entries.find((entry) => entry.kind === "passphrase" && entry.not_after === undefined);
}
