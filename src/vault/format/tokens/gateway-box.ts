import * as v from "valibot";
import { decodeCheckedBase64 as decode, encodeBase64 } from "../../../crypto/base64.ts";
import { type SigningKey, seedOf, signingKeyOfSeed } from "../../../crypto/signing.ts";
import { refuseBundle } from "../bundle-header.ts";
import { base64, exactly, parseShape, text } from "../shape.ts";

/** Ed25519 private keys, base64 of 32 bytes, by `kid`. */
export const privateKeysShape = v.record(v.pipe(text, v.regex(/^gw_[0-9a-f]{16}$/)), base64(32));

const boxShape = exactly({ keys: privateKeysShape });

/**
 * The private halves of a vault's gateway keys, by `kid`. They are kept apart from the items: reading every secret does
 * not let you sign requests.
 */
export type GatewaySigners = ReadonlyMap<string, SigningKey>;

/**
 * @throws BundleCorruptError the box has the wrong form
 */
export function parseGatewayBox(content: unknown): GatewaySigners {
  const { keys } = parseShape(boxShape, content, (fault) => refuseBundle(`has a box gateway that ${fault}`));
  return new Map(Object.entries(keys).map(([kid, seed]) => [kid, signingKeyOfSeed(decode(seed))]));
}

/** Base64 of the private halves, by `kid`. */
export function gatewaySeeds(signers: GatewaySigners): Readonly<Record<string, string>> {
  return Object.fromEntries([...signers].map(([kid, key]) => [kid, encodeBase64(seedOf(key))]));
}
