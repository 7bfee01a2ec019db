import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64Url, toBase64Url } from "../tokens/base64.ts";
import { type RequestHeaders, singleHeader } from "./request-headers.ts";
import { VerificationError } from "./verification-error.ts";

const encoder = new TextEncoder();

/*
 * The profile `x-fs` of a signed request: the canonical string and the headers of npm's `@farthershore/backend`, to the
 * byte. Its unchanged client verifies what we sign, and ours what it signs. `business-id` is the vault's id.
 */

/** What the signature covers. */
export interface XFsRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** As on the wire, with its `?`; empty if the request has none. */
  readonly query: string;
  /** Lower-case hex SHA-256 of the raw bytes; `STREAM` for a route whose body is not signed. */
  readonly bodyHash: string;
  readonly requestId: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly businessId: string;
  readonly backendId: string;
  /** Empty if the gateway knows no route. */
  readonly routeId: string;
  readonly policyVersion: string;
  /** The header `x-fs-context`, or null. */
  readonly context: string | null;
}

/** What the headers of a request say, and its signature. */
export type XFsClaim = Omit<XFsRequest, "method" | "path" | "query"> & {
  readonly keyId: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
};

/** The eleven lines, in this order. A verifier of an older canonical string fails on the last one. */
export function canonicalString(request: XFsRequest): string {
  return [
    `method:${request.method.toUpperCase()}`,
    `path:${request.path}`,
    `query:${request.query}`,
    `body-hash:${request.bodyHash}`,
    `request-id:${request.requestId}`,
    `timestamp:${request.timestamp}`,
    `business-id:${request.businessId}`,
    `backend-id:${request.backendId}`,
    `route-id:${request.routeId}`,
    `policy-version:${request.policyVersion}`,
    `context-hash:${hexSha256(encoder.encode(request.context ?? ""))}`,
  ].join("\n");
}

function hexSha256(bytes: Uint8Array): string {
  return hexOf(sha256(bytes));
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 in lower-case hex. By WebCrypto: a body may have megabytes. */
export async function hashBody(body: Uint8Array): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(body))));
}

/** The headers of a request that the gateway signs with `privateKey`, 32 bytes. */
export function signXFs(request: XFsRequest, keyId: string, privateKey: Uint8Array): Record<string, string> {
  const fault = Object.entries(request).find(([, value]) => typeof value === "string" && /[\n\r]/.test(value));
  if (fault !== undefined) throw new TypeError(`${fault[0]} has a line break, which would end its line`);
  return {
    "x-fs-signature": toBase64Url(ed25519.sign(encoder.encode(canonicalString(request)), privateKey)),
    "x-fs-key-id": keyId,
    "x-fs-request-id": request.requestId,
    "x-fs-timestamp": String(request.timestamp),
    "x-fs-business-id": request.businessId,
    "x-fs-backend-id": request.backendId,
    "x-fs-route-id": request.routeId,
    "x-fs-policy-version": request.policyVersion,
    "x-fs-body-hash": request.bodyHash,
    ...(request.context === null ? {} : { "x-fs-context": request.context }),
  };
}

/** These may be empty. Every other header must say something. */
const MAY_BE_EMPTY = ["x-fs-route-id", "x-fs-policy-version"];

/**
 * What the headers of a request say; nobody has verified it.
 *
 * @throws VerificationError missing_signature, malformed_signature
 */
export function readXFs(headers: RequestHeaders): XFsClaim {
  const signature = singleHeader(headers, "x-fs-signature");
  if (signature === undefined || signature === "")
    throw new VerificationError("missing_signature", "no x-fs-signature");
  const of = (name: string): string => {
    const value = singleHeader(headers, name) ?? (name === "x-fs-route-id" ? "" : undefined);
    if (value !== undefined && (value !== "" || MAY_BE_EMPTY.includes(name))) return value;
    throw new VerificationError("malformed_signature", `no ${name}`);
  };
  const bytes = fromBase64Url(signature);
  if (bytes === null) throw new VerificationError("malformed_signature", "x-fs-signature is not base64url");
  const timestamp = of("x-fs-timestamp");
  if (!/^\d{1,12}$/.test(timestamp))
    throw new VerificationError("malformed_signature", "x-fs-timestamp is not seconds");
  return {
    signature: bytes,
    keyId: of("x-fs-key-id"),
    requestId: of("x-fs-request-id"),
    timestamp: Number(timestamp),
    businessId: of("x-fs-business-id"),
    backendId: of("x-fs-backend-id"),
    routeId: of("x-fs-route-id"),
    policyVersion: of("x-fs-policy-version"),
    bodyHash: of("x-fs-body-hash"),
    context: singleHeader(headers, "x-fs-context") ?? null,
  };
}

const WINDOW_SECONDS = 300;
const SKEW_SECONDS = 5;

/** @throws VerificationError expired_signature; clock_skew if it is out by no more than a clock may be */
export function requireXFsWindow({ timestamp }: XFsClaim, atMs: number): void {
  const distance = Math.abs(Math.floor(atMs / 1000) - timestamp);
  if (distance <= WINDOW_SECONDS) return;
  const code = distance <= WINDOW_SECONDS + SKEW_SECONDS ? "clock_skew" : "expired_signature";
  throw new VerificationError(code, `it was signed ${distance} s away from now`);
}
