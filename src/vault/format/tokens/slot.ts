import * as v from "valibot";
import { decodeUtf8, type JsonObject, parseCanonicalJson, type Refuse } from "../../../canonical-json.ts";
import { requireBackendForms } from "../../../tokens/backends/settings.ts";
import { type Claims, parseClaims } from "../../../tokens/claims.ts";
import { type BundleHeader, refuseBundle } from "../bundle-header.ts";
import { base64, exactly, instant, openObject, parseShape, randomId, slotId, TOKEN_PREFIX } from "../shape.ts";
import { privateKeysShape } from "./gateway-box.ts";
import { gatewayKeysShape } from "./roll.ts";

const tokenSlotShape = exactly({ id: slotId, seals: v.literal("T"), enc: base64(), ct: base64() });
const tombstoneShape = v.union([
  exactly({ id: slotId, seals: v.literal("X"), revoked_at: instant }),
  exactly({ id: slotId, seals: v.literal("X"), expired_at: instant }),
]);
export type TokenSlot = v.InferOutput<typeof tokenSlotShape>;
/** Replaces the slot of a token that ended, and tells its holder why nothing opens any more. */
export type Tombstone = v.InferOutput<typeof tombstoneShape>;

/**
 * @returns null if the bundle has neither a slot nor a tombstone for this token
 * @throws BundleCorruptError the slot has the wrong form
 */
export function tokenSlotOf(header: BundleHeader, id: string): TokenSlot | Tombstone | null {
  const slot = header.slots.find((candidate) => candidate.id === id);
  if (slot === undefined) return null;
  return slot["seals"] === "X"
    ? parseShape(tombstoneShape, slot, refuseBundle)
    : parseShape(tokenSlotShape, slot, refuseBundle);
}

/** The ids of a header's token slots, not counting tombstones. */
export function tokenSlotIds({ slots }: BundleHeader): ReadonlySet<string> {
  const tokens = slots.filter((slot) => slot.id.startsWith(TOKEN_PREFIX) && slot["seals"] === "T");
  return new Set(tokens.map(({ id }) => id));
}

/** The well-formed tombstones of a header. */
export function tombstonesIn({ slots }: BundleHeader): readonly Tombstone[] {
  return slots.filter((slot): slot is Tombstone => v.is(tombstoneShape, slot));
}

const payloadShape = exactly({
  claims: openObject,
  root: v.exactOptional(base64(32)),
  view: v.exactOptional(exactly({ id: randomId, key: base64(32) })),
  verify_key: v.exactOptional(base64(32)),
  gateway_keys: v.exactOptional(gatewayKeysShape),
  gateway_key: v.exactOptional(privateKeysShape),
  usage_key: v.exactOptional(base64(32)),
  settings: v.exactOptional(openObject),
});
/** What a token's slot seals: its claims, and the keys to exactly what they grant. */
export type TokenPayload = Omit<v.InferOutput<typeof payloadShape>, "claims"> & { readonly claims: Claims };

/**
 * @throws BundleCorruptError the form is wrong, or it gives a root or a view that its claims do not allow
 */
export function parseTokenPayload(bytes: Uint8Array, what: string): TokenPayload {
  const refuse = (fault: string) => refuseBundle(`has a ${what} that ${fault}`);
  const fields = parseShape(payloadShape, parseCanonicalJson(decodeUtf8(bytes, refuse), refuse), refuse);
  const claims = parseClaims(fields.claims, refuse);
  if ((fields.root === undefined) === (fields.view === undefined)) throw refuse("must give either a root or a view");
  requireSlotSettings(fields.settings, refuse);
  if (readsAll(claims) !== (fields.root !== undefined)) throw refuse("gives more or less than its claims");
  return { ...fields, claims };
}

/**
 * @throws what `refuse` makes for settings that a gateway and an origin could read differently
 */
function requireSlotSettings(settings: JsonObject | undefined, refuse: Refuse): void {
  if (settings === undefined) return;
  requireBackendForms({
    value: settings,
    path: "settings",
    refuse: (path, fault) => refuse(`has ${path}, which ${fault}`),
  });
}

/** An unrestricted token reads everything that the vault will ever hold. */
function readsAll({ grants, permissions }: Pick<Claims, "grants" | "permissions">): boolean {
  return grants === undefined && (permissions === undefined || permissions.includes("secrets.items.read"));
}
