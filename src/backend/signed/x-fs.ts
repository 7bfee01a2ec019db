import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64Url, toBase64Url } from "../../tokens/base64.ts";
import { pathOf } from "../../tokens/canonical-path.ts";
import { nodeCrypto } from "../../tokens/node-crypto.ts";
import { VerificationError } from "../verification-error.ts";
import { EMPTY_HASH, hexOf } from "./body-hash.ts";
import type { Claim, RequestToSign, SigningKey } from "./claim.ts";
import { signText } from "./ed25519.ts";
import { type RequestHeaders, singleHeader } from "./request-headers.ts";

/**
 * The profile `x-fs` of a signed request: byte for byte the canonical string and headers of npm's
 * `@farthershore/backend`. Its unmodified client verifies what we sign, and ours verifies what it signs. `business-id`
 * is the vault's id.
 */

/** The fields that the signature covers. */
export interface CanonicalSigningInput {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** As on the wire, with its `?`; empty if the request has none. */
  readonly query: string;
  /** Lower-case hex SHA-256 of the raw bytes; `STREAM` for a route whose body is not signed. */
  readonly bodyHash: string;
  readonly requestId: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly businessId: string;
  readonly backendId: string;
  /** Empty if the gateway knows no route. */
  readonly routeId: string;
  readonly policyVersion: string;
  /** Lower-case hex SHA-256 of the header `x-fs-context`, or of nothing if it is absent. */
  readonly contextHash: string;
}

/** The eleven lines, in this order. A verifier of an older canonical string fails at the last one. */
export function canonicalString(input: CanonicalSigningInput): string {
  return [
    `method:${input.method.toUpperCase()}`,
    `path:${input.path}`,
    `query:${input.query}`,
    `body-hash:${input.bodyHash}`,
    `request-id:${input.requestId}`,
    `timestamp:${input.timestamp}`,
    `business-id:${input.businessId}`,
    `backend-id:${input.backendId}`,
    `route-id:${input.routeId}`,
    `policy-version:${input.policyVersion}`,
    `context-hash:${input.contextHash}`,
  ].join("\n");
}

function hashContext(context: string | null): string {
  if (context === null || context === "") return EMPTY_HASH;
  const bytes = new TextEncoder().encode(context);
  return nodeCrypto()?.createHash("sha256").update(bytes).digest("hex") ?? hexOf(sha256(bytes));
}

const UNSIGNED = "STREAM";

/**
 * The headers that a gateway adds to a request.
 *
 * @throws TypeError a value contains a line break
 */
export function signXFs(request: RequestToSign, key: SigningKey): Record<string, string> {
  const fault = Object.entries(request).find(([, value]) => typeof value === "string" && /[\n\r]/.test(value));
  if (fault !== undefined) throw new TypeError(`${fault[0]} has a line break, which would end its line`);
  const path = pathOf(request.target);
  const input = {
    method: request.method,
    path,
    query: request.target.slice(path.length),
    bodyHash: request.bodyHash ?? UNSIGNED,
    requestId: request.requestId,
    timestamp: request.created,
    businessId: request.vault,
    backendId: request.backend,
    routeId: request.routeId,
    policyVersion: request.policyVersion,
    contextHash: hashContext(request.context),
  };
  return {
    "x-fs-signature": toBase64Url(signText(key, canonicalString(input))),
    "x-fs-key-id": key.kid,
    "x-fs-request-id": input.requestId,
    "x-fs-timestamp": String(input.timestamp),
    "x-fs-business-id": input.businessId,
    "x-fs-backend-id": input.backendId,
    "x-fs-route-id": input.routeId,
    "x-fs-policy-version": input.policyVersion,
    "x-fs-body-hash": input.bodyHash,
    ...(request.context === null ? {} : { "x-fs-context": request.context }),
  };
}

/** Only these may be empty. */
const MAY_BE_EMPTY = ["x-fs-route-id", "x-fs-policy-version"];

/**
 * Reads what the headers of a request claim. Verifies nothing.
 *
 * @throws VerificationError missing_signature, malformed_signature
 */
export function readXFs(headers: RequestHeaders): Claim {
  const text = singleHeader(headers, "x-fs-signature");
  if (text === undefined || text === "") throw new VerificationError("missing_signature", "no x-fs-signature");
  const signature = fromBase64Url(text);
  if (signature === null) throw new VerificationError("malformed_signature", "x-fs-signature is not base64url");
  const said = readSaid(headers);
  const { keyId, requestId, timestamp, businessId, backendId, routeId, policyVersion, bodyHash, context } = said;
  return {
    keyId,
    requestId,
    vault: businessId,
    backend: backendId,
    routeId,
    policyVersion,
    bodyHash,
    unsignedBody: bodyHash === UNSIGNED,
    context,
    signature,
    signedText(method, target) {
      const path = pathOf(target);
      const query = target.slice(path.length);
      return canonicalString({ ...said, method, path, query, contextHash: hashContext(context) });
    },
    requireWindow: (atMs) => requireWindow(timestamp, atMs),
    untilMs: () => (timestamp + REMEMBERED_SECONDS) * 1000,
  };
}

function readSaid(headers: RequestHeaders) {
  const of = (name: string): string => {
    const value = singleHeader(headers, name) ?? (name === "x-fs-route-id" ? "" : undefined);
    if (value !== undefined && (value !== "" || MAY_BE_EMPTY.includes(name))) return value;
    throw new VerificationError("malformed_signature", `no ${name}`);
  };
  const timestamp = of("x-fs-timestamp");
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new VerificationError("malformed_signature", "x-fs-timestamp is not seconds");
  }
  return {
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
/** After this, the window refuses a replayed request anyway. */
const REMEMBERED_SECONDS = WINDOW_SECONDS + SKEW_SECONDS + 1;

function requireWindow(timestamp: number, atMs: number): void {
  const distance = Math.abs(Math.floor(atMs / 1000) - timestamp);
  if (distance <= WINDOW_SECONDS) return;
  const code = distance <= WINDOW_SECONDS + SKEW_SECONDS ? "clock_skew" : "expired_signature";
  throw new VerificationError(code, `it was signed ${distance} s from now`);
}
