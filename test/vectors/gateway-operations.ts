import { decodeCheckedBase64 as decode, encodeBase64 } from "../../src/crypto/base64.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { openTokenSlot } from "../../src/crypto/slot.ts";
import { deriveCredentialKeys, parseCredential } from "../../src/tokens/credential.ts";
import { aadOf, type BundleHeader } from "../../src/vault/format/bundle-header.ts";
import { gatewaySeeds } from "../../src/vault/format/tokens/gateway-box.ts";
import { parseTokenPayload, type TokenSlot, tokenSlotOf } from "../../src/vault/format/tokens/slot.ts";
import { openGatewaySigners } from "../../src/vault/open/open-boxes.ts";
import { bytesOf } from "./bytes.ts";
import type { Run, VectorBytes } from "./vector.ts";

interface Place {
  readonly vault: string;
  readonly gen: number;
}

export const GATEWAY_OPERATIONS = {
  async openGatewayBox({ input }: Run<Place & { operatorKey: VectorBytes; box: VectorBytes }>) {
    const header = headerOf(input, { boxes: { gateway: encodeBase64(bytesOf(input.box)) } });
    return { keys: gatewaySeeds(openGatewaySigners(header, Secret.ofBytes(bytesOf(input.operatorKey)))) };
  },

  async openTokenSlot({ input }: Run<Place & { credential: string; slot: TokenSlot }>) {
    using credential = parseCredential(input.credential);
    using keys = await deriveCredentialKeys(credential);
    const header = headerOf(input, { slots: [input.slot] });
    const slot = tokenSlotOf(header, keys.id);
    if (slot?.seals !== "T") throw new TypeError("the vector has no slot of its credential");
    const sealed = { enc: decode(slot.enc), ct: decode(slot.ct) };
    const plain = await openTokenSlot(keys.privateKey.expose(), aadOf(header, keys.id), sealed, "slot");
    return parseTokenPayload(plain, "slot");
  },
};

/** The parts of a header that a box or a slot needs. */
function headerOf({ vault, gen }: Place, part: Partial<BundleHeader>): BundleHeader {
  return { vault, gen, slots: [], ...part } as unknown as BundleHeader;
}
