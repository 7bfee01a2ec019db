import type { Manifest, PassphraseEntry } from "../vault/manifest.ts";

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

export function describeAccess({ slot, access, until }: SlotAccess): string {
  switch (access) {
    case "read-write":
      return `slot ${slot} reads and writes`;
    case "read":
      return `slot ${slot}, rotated away, reads until ${until}`;
    case "none":
      return `slot ${slot}, rotated away, opens nothing since ${until}`;
    case "unknown":
      return `slot ${slot} is of a kind that this version does not know`;
    default:
      return access satisfies never;
  }
}

/** The slot of those who may write, which configs and tokens hint at. */
export function operatorEntry({ unlock }: Manifest): PassphraseEntry | undefined {
  // a manifest that has been parsed has passphrase entries of this shape
  const entries = unlock as unknown as readonly PassphraseEntry[];
  return entries.find((entry) => entry.kind === "passphrase" && entry.not_after === undefined);
}
