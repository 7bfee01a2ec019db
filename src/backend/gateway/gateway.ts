import type { RouteSetting } from "../../tokens/backends/settings.ts";
import { toBase64Url } from "../../tokens/base64.ts";
import { isCanonicalPath, pathOf } from "../../tokens/canonical-path.ts";
import type { UsageRecorder } from "../../usage/recorder.ts";
import type { WaitUntil } from "../../workers.ts";
import { hashBody } from "../signed/body-hash.ts";
import type { RequestToSign } from "../signed/claim.ts";
import { encodeContext, type SignedContext } from "../signed/context.ts";
import { PROFILES } from "../signed/profiles.ts";
import {
  type ResponseHeaders,
  responseEvent,
  type Settlement,
  type SignedUsage,
  settleUsage,
} from "../usage/settle.ts";
import { routeServing, servesAlike } from "../verify/routes.ts";
import { MAX_BODY_BYTES } from "../verify/verify-request.ts";
import { type BackendView, type GatewayView, signingKeyFor, type Views } from "../views.ts";
import { asksUpgrade, type ClientHeaders, type ForwardedHeaders, forwardedHeaders } from "./forwarded-headers.ts";
import { GatewayError } from "./gateway-error.ts";

/** A client's request, as it arrived. */
export interface GatewayRequest {
  readonly method: string;
  /** The path with its query, as on the wire: `req.url` in Node.js. */
  readonly target: string;
  readonly headers: ClientHeaders;
  /**
   * The raw bytes, or a function that reads them. It is not called if the body is not signed, or the request is
   * refused.
   */
  readonly body?: Uint8Array | null | ((maxBytes: number) => Promise<Uint8Array | null>);
  /** The user behind the request, whom the gateway has authenticated. */
  readonly context?: SignedContext;
  /** Set if an origin refused the request and `settle` said `signAnew`; it will not say so again. */
  readonly again?: boolean;
  /** Whether the request is an upgrade, such as a WebSocket, which its route must allow. */
  readonly upgrade?: boolean;
  /** A Worker's `ctx.waitUntil`, in which the vault is read again. */
  readonly waitUntil?: WaitUntil | undefined;
}

/** A request to pass on. */
export interface SignedRequest extends SignedUsage {
  /** 128 random bits, drawn for this request. */
  readonly id: string;
  /** By lower-case name: the client's headers, without those that only the gateway may set, plus the signature. */
  readonly headers: ForwardedHeaders;
  /** Forward it byte for byte: `new URL()` would change some targets. */
  readonly target: string;
  /** Null if the backend declares no routes. */
  readonly route: RouteSetting | null;
  readonly backend: string;
  /** The bytes that were signed. Null if the body is not signed: then forward the client's own stream. */
  readonly body: Uint8Array | null;
}

const METHOD = /^(?!CONNECT$|TRACE$)[A-Z][A-Z-]{0,31}$/;
/** The characters of a request target: printable ASCII without white space and fragments. */
const TARGET = /^[!"$-~]{1,16384}$/;
const ID_BYTES = 16;

export interface GatewayParts {
  readonly views: Views<GatewayView>;
  readonly clock: { nowMs(): number };
  readonly random: (bytes: number) => Uint8Array;
  /** Keeps usage. Null for a token without the capability `metering`: usage is judged but not kept. */
  readonly recorder: Pick<UsageRecorder, "record" | "flush"> | null;
}

/** Signs requests in front of origins, and judges the usage in their responses. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #settled = new WeakSet<SignedRequest>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /**
   * Signs a request for the backend of its route. Sign again for each try, because an origin accepts a signature only
   * once.
   *
   * @throws GatewayError answer the client with its `status`, and with its `code` if you like
   */
  async sign(request: GatewayRequest): Promise<SignedRequest> {
    const { views, clock } = this.#parts;
    requireForm(request);
    const view = await views.get(undefined, request.waitUntil).catch(unavailable);
    const { route, backend } = destinationOf(view, request);
    requireUpgrade(request, route);
    const key = signingKeyFor(view, backend.id, clock.nowMs());
    if (key === null)
      throw new GatewayError("gateway_unavailable", `no gateway key signs for the backend ${backend.id}`);
    const headers = forwardedHeaders(request.headers);
    const body = route?.body === "unsigned" ? null : await bodyOf(request);
    const toSign = await this.#toSign(request, { view, route, backend, body, headers });
    const signed = signedWith(() => PROFILES[backend.profile].sign(toSign, key));
    return {
      id: toSign.requestId,
      headers: { ...sizedHeaders(headers, body), ...upgradeHeaders(request), ...signed },
      target: request.target,
      route,
      body,
      routeId: toSign.routeId,
      backend: backend.id,
      signedAtMs: toSign.created * 1000,
      meters: route?.meters,
      maxPerRequest: route?.maxPerRequest,
      subject: request.context?.subject,
      isAgain: request.again === true,
    };
  }

  /**
   * Judges the usage that a response reports by what this gateway knows of the request, and records it if it holds.
   * Works once per request: usage in a second response is refused.
   *
   * @throws GatewayError the gateway's token may not verify others
   * @throws MeteringError not_recorded: the usage holds, but there is no room to keep it
   */
  async settle<H extends ResponseHeaders>(signed: SignedRequest, headers: H): Promise<Settlement<H>> {
    const { views, clock, recorder } = this.#parts;
    const { known } = await views.get().catch(unavailable);
    if (known === null)
      throw new GatewayError("gateway_unavailable", "the gateway's token lacks the permission api.tokens.verify");
    const isSettled = this.#settled.has(signed);
    // Comes before the next await, so of two simultaneous calls only one counts.
    this.#settled.add(signed);
    const { usage, ...settlement } = await settleUsage({ ...signed, isSettled }, headers, known, clock.nowMs());
    if (usage === undefined) {
      if (!isSettled) this.#settled.delete(signed);
      return settlement;
    }
    await recorder?.record(responseEvent(signed, usage, clock.nowMs()));
    return { ...settlement, usage };
  }

  /**
   * Writes the waiting usage.
   *
   * @throws what the store throws; the usage keeps waiting, and is retried every minute
   */
  async flush(): Promise<void> {
    await this.#parts.recorder?.flush();
  }

  async #toSign(
    { method, target, context }: GatewayRequest,
    { view, route, backend, body, headers }: Destination & SigningParts,
  ): Promise<RequestToSign> {
    const created = Math.floor(this.#parts.clock.nowMs() / 1000);
    return {
      method,
      target,
      contentType: oneOf(headers, "content-type"),
      contentEncoding: oneOf(headers, "content-encoding"),
      bodyHash: body === null ? null : await hashBody(body),
      requestId: toBase64Url(this.#parts.random(ID_BYTES)),
      created,
      expires: created + backend.maxAgeSeconds,
      vault: view.vault,
      backend: backend.id,
      routeId: route?.id ?? "",
      policyVersion: String(view.gen),
      context: context === undefined ? null : contextFor(backend, context),
    };
  }
}

/**
 * @throws TypeError the profile carries no context, or the context is too long
 */
function contextFor({ id, profile }: BackendView, context: SignedContext): string {
  if (profile === "rfc9421") return encodeContext(context);
  throw new TypeError(`the profile of the backend ${id} carries no context`);
}

interface Destination {
  readonly route: RouteSetting | null;
  readonly backend: BackendView;
}

interface SigningParts {
  readonly view: GatewayView;
  readonly body: Uint8Array | null;
  readonly headers: ForwardedHeaders;
}

/** Comes before routing: what servers could read in different ways must not match a route. */
function requireForm({ method, target }: GatewayRequest): void {
  if (!METHOD.test(method)) throw new GatewayError("bad_request", `the method ${JSON.stringify(method)} is not signed`);
  if (TARGET.test(target) && isCanonicalPath(pathOf(target))) return;
  throw new GatewayError("bad_target", `the target ${JSON.stringify(target.slice(0, 200))} is not canonical`);
}

function destinationOf(view: GatewayView, { method, target }: GatewayRequest): Destination {
  const route = routeServing(view.routes, method, target);
  if (route === null && servesAlike(view.routes, method, target)) {
    throw new GatewayError(
      "bad_target",
      `a framework may take ${JSON.stringify(target.slice(0, 200))} for another route`,
    );
  }
  const backend = route === null ? view.defaultBackend : view.backends.find(({ id }) => id === route.backend);
  if (backend !== undefined && (route !== null || backend.routes === undefined)) return { route, backend };
  throw new GatewayError("route_unknown", `no route serves ${method} ${JSON.stringify(target.slice(0, 200))}`);
}

function requireUpgrade({ upgrade = false, method, headers }: GatewayRequest, route: RouteSetting | null): void {
  if (!upgrade) return;
  if (route?.upgrade && method === "GET" && asksUpgrade(headers) !== null) return;
  throw new GatewayError("upgrade_refused", `the route ${JSON.stringify(route?.id ?? "")} allows no upgrade`);
}

function upgradeHeaders({ upgrade = false, headers }: GatewayRequest): ForwardedHeaders {
  const protocol = upgrade ? asksUpgrade(headers) : null;
  return protocol === null ? {} : { connection: "Upgrade", upgrade: protocol };
}

async function bodyOf({ body, upgrade = false }: GatewayRequest): Promise<Uint8Array> {
  const bytes = upgrade ? null : typeof body === "function" ? await body(MAX_BODY_BYTES) : body;
  if ((bytes?.length ?? 0) > MAX_BODY_BYTES) {
    throw new GatewayError("body_too_large", `the body has more than ${MAX_BODY_BYTES} bytes`);
  }
  return bytes ?? new Uint8Array();
}

/** The length of what was signed, because the client may have sent chunks. */
function sizedHeaders(headers: ForwardedHeaders, body: Uint8Array | null): ForwardedHeaders {
  if (body === null) return headers;
  const { "content-length": given, ...others } = headers;
  return body.length === 0 && given === undefined ? others : { ...others, "content-length": String(body.length) };
}

function oneOf(headers: ForwardedHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" ? value : null;
}

/**
 * @throws GatewayError bad_request: the client sent a value that cannot be signed
 */
function signedWith(sign: () => Record<string, string>): Record<string, string> {
  try {
    return sign();
  } catch (error) {
    if (error instanceof TypeError) throw new GatewayError("bad_request", error.message, { cause: error });
    throw error;
  }
}

function unavailable(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw new GatewayError("gateway_unavailable", reason, { cause: error });
}
