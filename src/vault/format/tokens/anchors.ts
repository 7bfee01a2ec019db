import * as v from "valibot";
import { decodeCheckedBase64 as decode, encodeBase64 } from "../../../crypto/base64.ts";
import { type SigningKey, seedOf, signEd25519, signingKeyOfSeed, verifyEd25519 } from "../../../crypto/signing.ts";
import { refuseBundle } from "../bundle-header.ts";
import { base64, exactly, instant, parseShape } from "../shape.ts";

/*
 * An anchor is an Ed25519 key of the vault whose public half the holders of scoped tokens have beforehand. It never signs a
 * manifest: a cert is its word for the signer of one.
 */

const MAX_ANCHORS = 4;

const certShape = exactly({ anchor: base64(32), not_after: v.exactOptional(instant), sig: base64(64) });
export type Cert = v.InferOutput<typeof certShape>;

/** The manifest's field `certs`. */
export const certsShape = v.pipe(
  v.array(certShape),
  v.minLength(1),
  v.maxLength(MAX_ANCHORS),
  v.check((certs) => areDistinct(certs.map(({ anchor }) => anchor))),
);

/** What a cert vouches for. */
export interface Certified {
  readonly vault: string;
  /** Base64. */
  readonly signer: string;
}

/** Writers set no end; readers honour one. */
export function signCert(anchor: SigningKey, by: Certified, notAfter?: string): Cert {
  return {
    anchor: nameOf(anchor),
    ...(notAfter === undefined ? {} : { not_after: notAfter }),
    sig: encodeBase64(signEd25519(anchor, certText(by, notAfter))),
  };
}

/** Whether the anchor that the cert names has signed it for this signer. */
export function isGenuineCert({ anchor, not_after, sig }: Cert, by: Certified): boolean {
  return verifyEd25519(decode(anchor), certText(by, not_after), decode(sig));
}

function certText({ vault, signer }: Certified, notAfter = ""): Uint8Array {
  return Buffer.from(`vsync-cert-v1|${vault}|${signer}|${notAfter}`);
}

/** An anchor as certs name it, and as blobs pin it. */
export function nameOf(anchor: SigningKey): string {
  return encodeBase64(anchor.publicKey);
}

const anchorsShape = exactly({
  anchors: v.pipe(
    v.array(exactly({ public: base64(32), private: base64(32) })),
    v.minLength(1),
    v.maxLength(MAX_ANCHORS),
  ),
});

/** @throws BundleCorruptError the box's content is of another form, or the halves of an anchor are not of one key */
export function parseAnchors(content: unknown): readonly SigningKey[] {
  const { anchors } = parseShape(anchorsShape, content, (fault) => refuseBundle(`has a box anchors that ${fault}`));
  if (!areDistinct(anchors.map((anchor) => anchor.public))) throw refuseBundle("has an anchor twice");
  return anchors.map((anchor) => {
    const key = signingKeyOfSeed(decode(anchor.private));
    if (nameOf(key) !== anchor.public) throw refuseBundle("has an anchor whose halves are not of one key");
    return key;
  });
}

export function anchorsJson(anchors: readonly SigningKey[]) {
  return { anchors: anchors.map((key) => ({ public: nameOf(key), private: encodeBase64(seedOf(key)) })) };
}

/** The anchors once there is a new one, which blobs pin from then on: of four, the oldest goes. */
export function withAnchor(anchors: readonly SigningKey[], drawn: SigningKey): readonly SigningKey[] {
  return [...anchors, drawn].slice(-MAX_ANCHORS);
}

function areDistinct(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

/** The vault's anchor, which new blobs pin; undefined before the first scoped token. */
export function anchorOf({ certs }: { readonly certs?: readonly Cert[] | undefined }): string | undefined {
  return certs?.at(-1)?.anchor;
}
