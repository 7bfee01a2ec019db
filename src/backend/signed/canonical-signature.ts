import { fromBase64Url, toBase64Url } from "../../tokens/base64.ts";

/** A key as JSON (RFC 8037). */
export interface Ed25519Jwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  /** The private half. */
  readonly d?: string;
}

/** Returns the query unchanged: both sides sign the bytes on the wire. */
export function canonicalizeQuery(query: string): string {
  return query;
}

/** The signature of a text in base64url. */
export async function signCanonicalString(canonical: string, privateJwk: Ed25519Jwk): Promise<string> {
  const key = await crypto.subtle.importKey("jwk", { ...privateJwk }, "Ed25519", false, ["sign"]);
  return toBase64Url(new Uint8Array(await crypto.subtle.sign("Ed25519", key, new TextEncoder().encode(canonical))));
}

/** Whether a base64url signature over a text was made with the key. */
export async function verifyCanonicalSignature(
  canonical: string,
  signature: string,
  publicJwk: Ed25519Jwk,
): Promise<boolean> {
  const { d: _, ...jwk } = publicJwk;
  const key = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["verify"]);
  const bytes = Uint8Array.from(fromBase64Url(signature) ?? []);
  return crypto.subtle.verify("Ed25519", key, bytes, new TextEncoder().encode(canonical));
}
