import type { RouteSetting } from "../../tokens/backends/settings.ts";
import { verifyText } from "../../tokens/signature.ts";
import type { WaitUntil } from "../../workers.ts";
import { EMPTY_HASH, hashBody } from "../signed/body-hash.ts";
import type { Claim } from "../signed/claim.ts";
import { parseContext, type SignedContext } from "../signed/context.ts";
import { PROFILES } from "../signed/profiles.ts";
import { indexedHeaders, type RequestHeaders, singleHeader } from "../signed/request-headers.ts";
import { METHOD_OVERRIDES } from "../signed/trusted-headers.ts";
import { VerificationError } from "../verification-error.ts";
import type { OriginView } from "../views.ts";
import { type GatewayKey, requireBackendOfKey, requireGatewayKey } from "./gateway-keys.ts";
import type { ReplayStore } from "./replay.ts";
import { requireRoute } from "./routes.ts";

/** A request as it arrived. */
export interface VerifyRequestInput {
  readonly method: string;
  /** The request target: the path with its query, as on the wire. Or give `path` with `search` or `query`. */
  readonly target?: string;
  readonly path?: string;
  /** As on the wire, with its `?`. */
  readonly search?: string;
  /** With or without its `?`. */
  readonly query?: string;
  readonly headers: RequestHeaders;
  /** The raw bytes, or a function that reads them. */
  readonly body?: Uint8Array | BodyReader | null;
  /** Whether it asks for a WebSocket or another protocol, which its route must allow. */
  readonly upgrade?: boolean;
  /** A Worker's `ctx.waitUntil`, in which the vault is read again. */
  readonly waitUntil?: WaitUntil | undefined;
}

/**
 * Reads the raw bytes. It is called only once the signature holds. It may stop after `maxBytes`, and then resolves with
 * more than that.
 */
export type BodyReader = (maxBytes: number) => Promise<Uint8Array | null>;

/** What verification needs besides the request. */
export interface Verification {
  readonly view: OriginView;
  readonly replay: ReplayStore;
  readonly clock: { nowMs(): number };
}

/** What the gateway says about a verified request. */
export interface RequestContext {
  /** Drawn and signed by the gateway; works as an idempotency key. */
  readonly requestId: string;
  readonly keyId: string;
  readonly backend: string;
  /** Empty if neither backend nor token has routes. */
  readonly routeId: string;
  /** Only for profile `x-fs`; otherwise empty. */
  readonly policyVersion: string;
  /** False on a route whose body is not signed. */
  readonly bodyVerified: boolean;
  /** The user behind the request; null if the gateway did not say. */
  readonly context: SignedContext | null;
  /** Only for profile `x-fs`: the signed header `x-fs-context`, or null. */
  readonly contextToken: string | null;
}

export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/**
 * Verifies that a request came through the gateway unchanged, and for the first time. The order of the checks keeps an
 * unsigned client from learning more than one code, and from making us read a body.
 *
 * @throws VerificationError its `code` is for the client, its message for the log
 */
export async function verifyRequest(
  given: VerifyRequestInput,
  { view, replay, clock }: Verification,
): Promise<RequestContext> {
  const atMs = clock.nowMs();
  const input = { ...given, headers: indexedHeaders(given.headers) };
  const target = targetOf(input);
  const claim = PROFILES[view.backend.profile].read(input.headers);
  claim.requireWindow(atMs, view.backend.maxAgeSeconds);
  const key = requireGatewayKey(view.keys, claim.keyId, atMs);
  await requireSignature(input.method, target, claim, key);
  requireBackend(claim, key, view);
  requireNoOverride(input.headers);
  const route = requireRoute(
    { method: input.method, target, routeId: claim.routeId },
    view.backend.routes,
    view.routes,
  );
  requireUpgradable(input, route);
  const bodyVerified = await requireBody(input, claim, route);
  await requireFirst(claim, { view, replay, clock });
  return { ...contextOf(claim, view), bodyVerified };
}

function targetOf({ target, path = "", search, query = "" }: VerifyRequestInput): string {
  if (target !== undefined) return target;
  return path + (search ?? (query === "" || query.startsWith("?") ? query : `?${query}`));
}

/**
 * Targets that gateways sign and Node.js accepts: without white space, fragments, and anything that could end a line.
 */
const SIGNABLE_TARGET = /^\/[!"$-~]*$/;
const METHOD = /^[A-Za-z][A-Za-z-]*$/;

async function requireSignature(method: string, target: string, claim: Claim, key: GatewayKey): Promise<void> {
  if (!METHOD.test(method) || !SIGNABLE_TARGET.test(target)) {
    throw new VerificationError("bad_signature", `no gateway signs ${JSON.stringify(`${method} ${target}`)}`);
  }
  if (await verifyText(key, claim.signature, claim.signedText(method, target))) return;
  throw new VerificationError("bad_signature", "what was signed is not this request");
}

function requireBackend(claim: Claim, key: GatewayKey, { vault, backend }: OriginView): void {
  if (claim.vault !== vault) throw new VerificationError("route_mismatch", "it was signed for another vault");
  if (claim.backend !== backend.id) {
    throw new VerificationError("route_mismatch", `it was signed for the backend ${JSON.stringify(claim.backend)}`);
  }
  requireBackendOfKey(key, claim.backend);
}

/** A framework that obeys one of these would run another route's handler. */
function requireNoOverride(headers: RequestHeaders): void {
  const found = METHOD_OVERRIDES.find((name) => singleHeader(headers, name) !== undefined);
  if (found !== undefined) throw new VerificationError("route_mismatch", `${found} asks for another method`);
}

function requireUpgradable({ upgrade }: VerifyRequestInput, route: RouteSetting | null): void {
  if (upgrade !== true || route === null || route.upgrade === true) return;
  throw new VerificationError("route_mismatch", `the route ${route.id} takes no upgrades`);
}

async function requireBody(
  { headers, body }: VerifyRequestInput,
  { bodyHash, unsignedBody }: Claim,
  route: RouteSetting | null,
): Promise<boolean> {
  if (unsignedBody && route?.body === "unsigned") return false;
  const length = singleHeader(headers, "content-length") ?? "0";
  if (!/^\d{1,15}$/.test(length)) throw new VerificationError("malformed_signature", "content-length is not a number");
  requireSize(Number(length));
  const maxBytes = bodyHash === EMPTY_HASH ? 0 : MAX_BODY_BYTES;
  const bytes = (typeof body === "function" ? await body(maxBytes) : body) ?? new Uint8Array();
  if (!(bytes instanceof Uint8Array)) throw new TypeError("body must be the raw bytes, a Uint8Array");
  requireSize(bytes.length);
  if (bytes.length > maxBytes) throw new VerificationError("body_hash_mismatch", "its body was not signed");
  if ((await hashBody(bytes)) === bodyHash) return true;
  throw new VerificationError("body_hash_mismatch", "its body is not the one that was signed");
}

function requireSize(bytes: number): void {
  if (bytes > MAX_BODY_BYTES) throw new VerificationError("body_too_large", `its body has ${bytes} bytes or more`);
}

async function requireFirst(claim: Claim, { view, replay, clock }: Verification): Promise<void> {
  const id = `${claim.keyId}\n${claim.requestId}`;
  const { maxAgeSeconds } = view.backend;
  // A body can take so long that a store has forgotten the request's first copy.
  claim.requireWindow(clock.nowMs(), maxAgeSeconds);
  // A store may answer anything: only `true` lets a request through.
  if ((await claimed(replay, id, claim.untilMs(maxAgeSeconds))) === true) return;
  throw new VerificationError("replayed_nonce", `the request ${JSON.stringify(claim.requestId)} came before`);
}

async function claimed(replay: ReplayStore, id: string, untilMs: number): Promise<unknown> {
  try {
    return await replay.claim(id, untilMs);
  } catch (error) {
    if (error instanceof VerificationError) throw error;
    throw new VerificationError("nonce_cache_full", `the replay store failed: ${String(error)}`, { cause: error });
  }
}

function contextOf(claim: Claim, { backend: { profile } }: OriginView): Omit<RequestContext, "bodyVerified"> {
  const { requestId, keyId, backend, routeId, policyVersion, context: header } = claim;
  const context = profile === "x-fs" || header === null ? null : parseContext(header);
  const contextToken = profile === "x-fs" ? header : null;
  return { requestId, keyId, backend, routeId, policyVersion, context, contextToken };
}
