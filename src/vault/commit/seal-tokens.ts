import type { JsonObject } from "../../canonical-json.ts";
import { decodeCheckedBase64 as decode, encodeBase64 } from "../../crypto/base64.ts";
import { sealBox } from "../../crypto/box.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { sealTokenSlot } from "../../crypto/slot.ts";
import { deriveBoxKey, deriveViewKey, itemKeysOf, withKey } from "../../crypto/subkeys.ts";
import type { Random } from "../../ports.ts";
import type { GatewayKey } from "../../tokens/backends/gateway-key.ts";
import {
  type BackendSettings,
  backendOf,
  backendSettingsIn,
  settingsOfBackends,
} from "../../tokens/backends/settings.ts";
import type { Claims } from "../../tokens/claims.ts";
import { aadOf } from "../format/bundle-header.ts";
import type { Item } from "../format/item.ts";
import { encodeView } from "../format/listing.ts";
import { anchorsJson } from "../format/tokens/anchors.ts";
import { type GatewaySigners, gatewaySeeds } from "../format/tokens/gateway-box.ts";
import { EMPTY_ROLL, encodeRoll, isEmptyRoll } from "../format/tokens/roll.ts";
import type { TokenPayload } from "../format/tokens/slot.ts";
import { verifyListOf } from "../format/tokens/verify-list.ts";
import type { BoxName } from "../open/open-boxes.ts";
import type { BundlePlace, FreshKeys } from "../unlock/key-holder.ts";
import { mayGatewaySign, ownGatewayKeys } from "./gateway-keys.ts";
import type { PlannedSlot, PlannedView, TokenPlan } from "./plan-tokens.ts";

const VIEW_ID_BYTES = 8;

/** The scoped tokens to seal into a bundle. */
export interface TokenContents {
  readonly plan: TokenPlan;
  readonly anchors: readonly SigningKey[];
  readonly gatewaySigners: GatewaySigners;
  /** The time of the commit, in milliseconds since the epoch. */
  readonly atMs: number;
}

export const NO_CONTENTS: TokenContents = {
  plan: { live: [], views: [], tombstones: [], roll: EMPTY_ROLL },
  anchors: [],
  gatewaySigners: new Map(),
  atMs: 0,
};

/** The parts of a header that exist for scoped tokens. */
export interface SealedTokens {
  readonly slots: readonly JsonObject[];
  readonly views?: readonly { readonly id: string; readonly box: string }[];
  readonly boxes?: Readonly<Partial<Record<BoxName, string>>>;
}

/** Seals slots, views and boxes anew, as every commit does. A vault that never had a token gets no boxes. */
export async function sealTokens(
  random: Random,
  place: BundlePlace,
  contents: TokenContents,
  keys: FreshKeys,
  items: readonly Item[],
): Promise<SealedTokens> {
  const { plan, anchors, gatewaySigners, atMs } = contents;
  const views = plan.views.map((view) => sealView(random, place, view, keys.rootKey, items));
  const viewOf = new Map(plan.views.flatMap(({ slots }, at) => slots.map((slot) => [slot, views[at]] as const)));
  const slots = await Promise.all(plan.live.map((slot) => sealSlotOf(place, slot, viewOf.get(slot), contents, keys)));
  const seal = (name: BoxName, content: Uint8Array) => sealOwn(random, place, name, content, keys.operatorKey);
  const isUsed = anchors.length > 0 || !isEmptyRoll(plan.roll);
  const boxes = {
    ...(isUsed ? { roll: seal("roll", encodeRoll(plan.roll)) } : {}),
    ...(anchors.length > 0 ? { anchors: seal("anchors", json(anchorsJson(anchors))) } : {}),
    ...(isUsed ? { verify: seal("verify", json(verifyListOf(plan.roll, atMs))) } : {}),
    ...(gatewaySigners.size > 0 ? { gateway: seal("gateway", json({ keys: gatewaySeeds(gatewaySigners) })) } : {}),
  };
  return {
    slots: [...slots, ...plan.tombstones],
    ...(views.length === 0 ? {} : { views: views.map(({ id, box }) => ({ id, box })) }),
    ...(isUsed ? { boxes } : {}),
  };
}

interface SealedView {
  readonly id: string;
  readonly box: string;
  /** Base64. */
  readonly key: string;
}

function sealView(
  random: Random,
  place: BundlePlace,
  view: PlannedView,
  rootKey: Uint8Array,
  all: readonly Item[],
): SealedView {
  const id = Buffer.from(random.bytes(VIEW_ID_BYTES)).toString("hex");
  const names = new Set(view.items);
  const items = all.filter(({ name }) => names.has(name));
  const itemKey = itemKeysOf(rootKey);
  const keyOf = (item: Item) => withKey(itemKey(item.id), encodeBase64);
  const content = encodeView(items, keyOf);
  return withKey(deriveViewKey(rootKey, id), (key) => {
    const box = encodeBase64(sealBox(random, key, aadOf(place, `view|${id}`), content));
    content.fill(0);
    return { id, box, key: encodeBase64(key) };
  });
}

async function sealSlotOf(
  place: BundlePlace,
  { record, granted }: PlannedSlot,
  view: SealedView | undefined,
  contents: TokenContents,
  { operatorKey, rootKey }: FreshKeys,
): Promise<JsonObject> {
  const { claims, recipient } = record;
  const payload: TokenPayload = {
    claims,
    ...(view === undefined ? { root: encodeBase64(rootKey) } : { view: { id: view.id, key: view.key } }),
    ...(granted.verifyKey ? { verify_key: withKey(deriveBoxKey(operatorKey, "verify"), encodeBase64) } : {}),
    ...backendPart(claims, contents),
  };
  const plaintext = json(payload);
  try {
    const { enc, ct } = await sealTokenSlot(decode(recipient), aadOf(place, claims.id), plaintext);
    return { id: claims.id, seals: "T", enc: encodeBase64(enc), ct: encodeBase64(ct) };
  } finally {
    plaintext.fill(0);
  }
}

/** What gateways and origins get in addition to their items. */
function backendPart(claims: Claims, { plan: { roll }, gatewaySigners }: TokenContents): Partial<TokenPayload> {
  const { gateway_keys: keys = [], usage_keys = [], settings } = roll;
  const own = new Set(ownGatewayKeys(keys, claims).map(({ kid }) => kid));
  const signers = new Map([...gatewaySigners].filter(([kid]) => own.has(kid)));
  const verifies = claims.capabilities.includes("gateway_verification");
  const usageKey = claims.capabilities.includes("metering") ? usage_keys.at(-1) : undefined;
  const known = settingsFor(claims, backendSettingsIn(settings), keys);
  return {
    ...(roll.gateway_keys !== undefined && (verifies || signers.size > 0) ? { gateway_keys: keys } : {}),
    ...(signers.size > 0 ? { gateway_key: gatewaySeeds(signers) } : {}),
    ...(usageKey === undefined ? {} : { usage_key: usageKey.public }),
    ...(known === null ? {} : { settings: { ...known } as JsonObject }),
  };
}

/** A gateway gets every backend that it may sign for. An origin, or a token that meters for one, gets its own. */
function settingsFor(
  claims: Claims,
  settings: BackendSettings | null,
  keys: readonly GatewayKey[],
): BackendSettings | null {
  if (settings === null) return null;
  if (mayGatewaySign(claims)) {
    const all = settings.backends?.map(({ id }) => id) ?? [];
    const signs =
      claims.backend === undefined ? all : ownGatewayKeys(keys, claims).flatMap((key) => key.backends ?? []);
    return settingsOfBackends(settings, signs);
  }
  const works = ["gateway_verification", "metering"].some((capability) => claims.capabilities.includes(capability));
  const backend = works ? backendOf(settings, claims.backend) : undefined;
  return backend === undefined ? null : settingsOfBackends(settings, [backend.id]);
}

function sealOwn(
  random: Random,
  place: BundlePlace,
  name: BoxName,
  content: Uint8Array,
  operatorKey: Uint8Array,
): string {
  const box = withKey(deriveBoxKey(operatorKey, name), (key) => sealBox(random, key, aadOf(place, name), content));
  content.fill(0);
  return encodeBase64(box);
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
