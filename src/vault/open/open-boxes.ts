import { decodeUtf8, type JsonValue, parseLongJson } from "../../canonical-json.ts";
import { decodeCheckedBase64 as decode } from "../../crypto/base64.ts";
import { openBox } from "../../crypto/box.ts";
import type { Secret } from "../../crypto/secret.ts";
import type { SigningKey } from "../../crypto/signing.ts";
import { deriveBoxKey, withKey } from "../../crypto/subkeys.ts";
import { UnsupportedSpecVersionError } from "../../errors.ts";
import { aadOf, type BundleHeader, refuseBundle } from "../format/bundle-header.ts";
import { quoted } from "../format/shape.ts";
import { parseAnchors } from "../format/tokens/anchors.ts";
import { type GatewaySigners, parseGatewayBox } from "../format/tokens/gateway-box.ts";
import { EMPTY_ROLL, MAX_ROLL_BYTES, parseRoll, type Roll } from "../format/tokens/roll.ts";
import { parseVerifyList, type VerifyList } from "../format/tokens/verify-list.ts";

/**
 * The boxes of a bundle's header, for operators and for services that verify others' tokens. A vault that never had a
 * scoped token has no boxes.
 */

const NAMES = ["roll", "anchors", "verify", "gateway"] as const;
export type BoxName = (typeof NAMES)[number];

/**
 * A writer seals every box anew, so it must know all of them.
 *
 * @throws UnsupportedSpecVersionError a box of an unknown name
 */
export function requireKnownBoxes({ boxes = {} }: BundleHeader): void {
  const unknown = Object.keys(boxes).find((name) => !NAMES.some((known) => known === name));
  if (unknown === undefined) return;
  throw new UnsupportedSpecVersionError(`the vault has a box of the unknown name ${quoted(unknown)}`, {
    hint: "upgrade vsync before writing this vault: this version would drop what the box holds",
  });
}

/**
 * @throws BundleCorruptError the box does not open or has the wrong form
 */
export function openRoll(header: BundleHeader, operatorKey: Secret): Roll {
  const content = openOwn(header, "roll", operatorKey);
  return content === null ? EMPTY_ROLL : parseRoll(content);
}

/**
 * Empty before the first scoped token.
 *
 * @throws BundleCorruptError the box does not open or has the wrong form
 */
export function openAnchors(header: BundleHeader, operatorKey: Secret): readonly SigningKey[] {
  const content = openOwn(header, "anchors", operatorKey);
  return content === null ? [] : parseAnchors(content);
}

/**
 * Empty before the first gateway key.
 *
 * @throws BundleCorruptError the box does not open or has the wrong form
 */
export function openGatewaySigners(header: BundleHeader, operatorKey: Secret): GatewaySigners {
  const content = openOwn(header, "gateway", operatorKey);
  return content === null ? new Map() : parseGatewayBox(content);
}

/**
 * @param verifyKey 32 bytes, zeroed here
 * @throws BundleCorruptError the box does not open or has the wrong form, or an id does not match its keys
 */
export function openVerifyList(header: BundleHeader, verifyKey: Uint8Array): VerifyList {
  const content = withKey(verifyKey, (key) => openHeaderBox(header, "verify", key));
  return content === null ? { tokens: [] } : parseVerifyList(content);
}

function openOwn(header: BundleHeader, name: BoxName, operatorKey: Secret): JsonValue | null {
  return withKey(deriveBoxKey(operatorKey.expose(), name), (key) => openHeaderBox(header, name, key));
}

/** The content of a box, or null if the bundle has no box of that name. */
function openHeaderBox(header: BundleHeader, name: BoxName, key: Uint8Array): JsonValue | null {
  const box = header.boxes?.[name];
  if (box === undefined) return null;
  const refuse = (fault: string) => refuseBundle(`has a box ${name} that ${fault}`);
  const plaintext = openBox(key, aadOf(header, name), decode(box as string), `the bundle's box ${name}`);
  if (plaintext.length > MAX_ROLL_BYTES) throw refuse(`is larger than ${MAX_ROLL_BYTES} bytes`);
  const json = decodeUtf8(plaintext, refuse);
  plaintext.fill(0);
  return parseLongJson(json, refuse);
}
