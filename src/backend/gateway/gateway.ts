import type { RouteSetting } from "../../tokens/backends/settings.ts";
import { toBase64Url } from "../../tokens/base64.ts";
import { isCanonicalPath, pathOf } from "../../tokens/canonical-path.ts";
import type { UsageEvent } from "../../usage/event.ts";
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
  /** The path with its query, as on the wire: `req.url` of Node.js. */
  readonly target: string;
  readonly headers: ClientHeaders;
  /** The raw bytes, or what reads them: it is not called where the body is not signed, nor for a request that is refused. */
  readonly body?: Uint8Array | null | ((maxBytes: number) => Promise<Uint8Array | null>);
  /** On whose behalf the request is made; the gateway has authenticated them. */
  readonly context?: SignedContext;
  /** An origin refused it, and `settle` said `signAnew`: it will not say so again. */
  readonly again?: boolean;
  /** It arrived as an upgrade, such as a WebSocket: its route has to allow that. */
  readonly upgrade?: boolean;
  /** `ctx.waitUntil` of a Worker: the vault is asked again in it. */
  readonly waitUntil?: WaitUntil | undefined;
}

/** A request to pass on. */
export interface SignedRequest extends SignedUsage {
  /** Drawn here, 128 random bits. */
  readonly id: string;
  /** By lower-case name: the client's, without what only the gateway says, and the signature. */
  readonly headers: ForwardedHeaders;
  /** To be forwarded to the byte: `new URL()` would change some of them. */
  readonly target: string;
  /** Null if the backend declares none. */
  readonly route: RouteSetting | null;
  readonly backend: string;
  /** The bytes that were signed; null where the body is not signed: pass on the client's own stream. */
  readonly body: Uint8Array | null;
}

const METHOD = /^(?!CONNECT$|TRACE$)[A-Z][A-Z-]{0,31}$/;
/** What a request target may have beside its canonical path: printable ASCII, no white space, no fragment. */
const TARGET = /^[!"$-~]{1,16384}$/;
const ID_BYTES = 16;

/** Where the usage goes that responses report. */
export interface UsageLedger {
  /** Resolves once the event is kept. @throws MeteringError not_recorded */
  record(event: UsageEvent): Promise<void>;
  /** @throws what the store throws; the events go on waiting */
  flush(): Promise<void>;
}

export interface GatewayParts {
  readonly views: Views<GatewayView>;
  readonly clock: { nowMs(): number };
  readonly random: (bytes: number) => Uint8Array;
  /** Null for a token that lacks the capability `metering`: usage is judged, and nobody keeps it. */
  readonly ledger: UsageLedger | null;
}

/** Signs requests in front of origins, and judges what their responses say. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #settled = new WeakSet<SignedRequest>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /**
   * Signs a request for the backend of its route. Sign it anew for each try: an origin serves a signature once.
   *
   * @throws GatewayError what the client is to get: its `status`, and its `code` if you like
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
   * Judges the usage that a response reports, by what this gateway knows of the request, and keeps it if it holds. Once a
   * request: what a second response reports of it is refused.
   *
   * @throws GatewayError the gateway's token may not verify others
   * @throws MeteringError not_recorded: the usage holds, but nothing has room to keep it
   */
  async settle<H extends ResponseHeaders>(signed: SignedRequest, headers: H): Promise<Settlement<H>> {
    const { views, clock, ledger } = this.#parts;
    const { known } = await views.get().catch(unavailable);
    if (known === null)
      throw new GatewayError("gateway_unavailable", "the gateway's token lacks the permission api.tokens.verify");
    const isSettled = this.#settled.has(signed);
    // Before the next await: of two calls at once, only one may count.
    this.#settled.add(signed);
    const { usage, ...settlement } = await settleUsage({ ...signed, isSettled }, headers, known, clock.nowMs());
    if (usage === undefined) {
      if (!isSettled) this.#settled.delete(signed);
      return settlement;
    }
    await ledger?.record(responseEvent(signed, usage, clock.nowMs()));
    return { ...settlement, usage };
  }

  /** Writes the usage that waits. @throws what the store throws; it goes on waiting, and is tried every minute */
  async flush(): Promise<void> {
    await this.#parts.ledger?.flush();
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

/** @throws TypeError */
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

/** Before any route is looked for: what servers read in different ways has no route. */
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

/** The length of what was signed, where the client may have sent chunks. */
function sizedHeaders(headers: ForwardedHeaders, body: Uint8Array | null): ForwardedHeaders {
  if (body === null) return headers;
  const { "content-length": given, ...others } = headers;
  return body.length === 0 && given === undefined ? others : { ...others, "content-length": String(body.length) };
}

function oneOf(headers: ForwardedHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" ? value : null;
}

/** @throws GatewayError bad_request: a value that cannot be signed, which the client sent */
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
