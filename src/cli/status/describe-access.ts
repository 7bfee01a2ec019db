import type { SlotAccess } from "../../vault/slot-access.ts";

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
