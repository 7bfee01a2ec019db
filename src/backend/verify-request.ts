import { fromBase64 } from "../tokens/base64.ts";
import { pathOf } from "../tokens/canonical-path.ts";
import { type GatewayKey, requireBackendOfKey, requireGatewayKey } from "./gateway-keys.ts";
import type { ReplayStore } from "./replay.ts";
import { type RequestHeaders, singleHeader } from "./request-headers.ts";
import { type Route, requireRoute } from "./routes.ts";
import { VerificationError } from "./verification-error.ts";
import { canonicalString, hashBody, readXFs, requireXFsWindow, type XFsClaim } from "./x-fs.ts";

/** A request as it arrived. */
export interface VerifyRequestInput {
  readonly method: string;
  /** The request target: the path with its query, as on the wire. */
  readonly target: string;
  readonly headers: RequestHeaders;
  /** The raw bytes, or what reads them: it is called only once the signature holds. */
  readonly body?: Uint8Array | null | (() => Promise<Uint8Array | null>);
}

/** What the origin knows of itself and its gateway. */
export interface Verification {
  /** The vault's id. */
  readonly vault: string;
  /** The origin's backend. */
  readonly backend: string;
  readonly keys: readonly GatewayKey[];
  /** Absent: the backend declares none. */
  readonly routes?: readonly Route[];
  /** The `routes` of the origin's token. */
  readonly allowed?: readonly string[];
  readonly replay: ReplayStore;
  readonly clock: { nowMs(): number };
}

/** What the gateway says of a verified request. */
export interface RequestContext {
  /** Signed and drawn by the gateway: it serves as idempotency key. */
  readonly requestId: string;
  readonly keyId: string;
  readonly backend: string;
  /** Empty if neither backend nor token has routes. */
  readonly routeId: string;
  readonly policyVersion: string;
  /** False on a route whose body is not signed. */
  readonly bodyVerified: boolean;
  /** The signed header `x-fs-context`, or null. */
  readonly context: string | null;
}

const MAX_BODY_BYTES = 10 * 1024 * 1024;
const UNSIGNED = "STREAM";
/** After this the window refuses a request that is shown again. */
const REMEMBERED_SECONDS = 306;

/**
 * Verifies that a request came through the gateway as it is, in profile `x-fs`, and that it comes for the first time. The
 * order keeps an unsigned client from learning more than one code, or from costing a body.
 *
 * @throws VerificationError `code` is for the client, the message for the log
 */
export async function verifyRequest(input: VerifyRequestInput, origin: Verification): Promise<RequestContext> {
  const atMs = origin.clock.nowMs();
  const claim = readXFs(input.headers);
  requireXFsWindow(claim, atMs);
  const key = requireGatewayKey(origin.keys, claim.keyId, atMs);
  await requireSignature(input, claim, key);
  requireBackend(claim, key, origin);
  const route = requireRoute({ ...input, routeId: claim.routeId }, origin.routes, origin.allowed);
  requireLength(input.headers);
  const bodyVerified = await requireBody(input, claim, route);
  const untilMs = (claim.timestamp + REMEMBERED_SECONDS) * 1000;
  if (!(await origin.replay.claim(`${claim.keyId}\n${claim.requestId}`, untilMs))) {
    throw new VerificationError("replayed_nonce", `the request ${JSON.stringify(claim.requestId)} came before`);
  }
  const { requestId, keyId, backendId: backend, routeId, policyVersion, context } = claim;
  return { requestId, keyId, backend, routeId, policyVersion, bodyVerified, context };
}

async function requireSignature(
  { method, target }: VerifyRequestInput,
  claim: XFsClaim,
  key: GatewayKey,
): Promise<void> {
  const path = pathOf(target);
  const signed = new TextEncoder().encode(
    canonicalString({ ...claim, method, path, query: target.slice(path.length) }),
  );
  const signature = Uint8Array.from(claim.signature);
  if (await crypto.subtle.verify("Ed25519", await importedKey(key), signature, signed)) return;
  throw new VerificationError("bad_signature", "what was signed is not this request");
}

const imported = new WeakMap<GatewayKey, ReturnType<typeof crypto.subtle.importKey>>();

function importedKey(key: GatewayKey): ReturnType<typeof crypto.subtle.importKey> {
  const raw = Uint8Array.from(fromBase64(key.public) ?? []);
  const known = imported.get(key) ?? crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  imported.set(key, known);
  return known;
}

function requireBackend({ businessId, backendId }: XFsClaim, key: GatewayKey, { vault, backend }: Verification): void {
  if (businessId !== vault) throw new VerificationError("route_mismatch", "it was signed for another vault");
  if (backendId !== backend) {
    throw new VerificationError("route_mismatch", `it was signed for the backend ${JSON.stringify(backendId)}`);
  }
  requireBackendOfKey(key, backendId);
}

function requireLength(headers: RequestHeaders): void {
  const length = Number(singleHeader(headers, "content-length") ?? 0);
  if (length > MAX_BODY_BYTES) throw new VerificationError("body_too_large", `its body has ${length} bytes`);
}

async function requireBody(
  { body }: VerifyRequestInput,
  { bodyHash }: XFsClaim,
  route: Route | null,
): Promise<boolean> {
  if (bodyHash === UNSIGNED && route?.body === "unsigned") return false;
  const bytes = (typeof body === "function" ? await body() : body) ?? new Uint8Array();
  if (bytes.length > MAX_BODY_BYTES)
    throw new VerificationError("body_too_large", `its body has ${bytes.length} bytes`);
  if ((await hashBody(bytes)) === bodyHash) return true;
  throw new VerificationError("body_hash_mismatch", "its body is not the one that was signed");
}
