import * as v from "valibot";
import { decodeCheckedBase64 as decode, encodeBase64 } from "../../../crypto/base64.ts";
import { type SigningKey, seedOf, signEd25519, signingKeyOfSeed, verifyEd25519 } from "../../../crypto/signing.ts";
import { refuseBundle } from "../bundle-header.ts";
import { base64, exactly, instant, parseShape } from "../shape.ts";

/**
 * An anchor is an Ed25519 key of the vault. Holders of scoped tokens get its public half with the token. It never signs
 * a manifest; it signs certs, which vouch for a manifest's signer.
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

/** Writers set no `notAfter`, but readers honour one. */
export function signCert(anchor: SigningKey, by: Certified, notAfter?: string): Cert {
  return {
    anchor: nameOf(anchor),
    ...(notAfter === undefined ? {} : { not_after: notAfter }),
    sig: encodeBase64(signEd25519(anchor, certText(by, notAfter))),
  };
}

/** Whether the cert's own anchor signed it for this signer. */
export function isGenuineCert({ anchor, not_after, sig }: Cert, by: Certified): boolean {
  return verifyEd25519(decode(anchor), certText(by, not_after), decode(sig));
}

function certText({ vault, signer }: Certified, notAfter = ""): Uint8Array {
  return Buffer.from(`vsync-cert-v1|${vault}|${signer}|${notAfter}`);
}

/** The public half in base64, as certs and blobs name an anchor. */
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

/**
 * @throws BundleCorruptError the box has the wrong form, or the two halves of an anchor do not match
 */
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

/** Adds a new anchor, which blobs pin from now on. Beyond `MAX_ANCHORS` the oldest is dropped. */
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
