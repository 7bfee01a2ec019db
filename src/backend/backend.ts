import { MeteringError } from "../usage/meters.ts";
import type { WaitUntil } from "../workers.ts";
import {
  createExpressMiddleware,
  type ExpressMiddleware,
  type MiddlewareOptions,
  type RouteGuard,
  routeGuard,
} from "./adapters/express.ts";
import { type FetchHandler, type ProtectedHandler, protectFetch } from "./adapters/fetch.ts";
import { buildHealthReport, type HealthReport } from "./health.ts";
import type { NodeRequest, NodeSocket } from "./node/node-message.ts";
import { verifyNodeUpgrade } from "./node/upgrade.ts";
import { buildReadyReport, type ReadyReport } from "./ready.ts";
import { type TunnelOptions, type TunnelProgram, wantsTunnel } from "./tunnel.ts";
import type { Meter, MeterOptions } from "./usage/meter.ts";
import { VerificationError } from "./verification-error.ts";
import { rememberVerified } from "./verified.ts";
import type { Verifier } from "./verifier.ts";
import type { ReplayStore } from "./verify/replay.ts";
import { type RequestContext, type VerifyRequestInput, verifyRequest } from "./verify/verify-request.ts";
import type { OriginView } from "./views.ts";

/** How a backend learns what its vault says at the moment. */
export interface OriginViews {
  /** @param isKnown if it returns false, the vault is asked again first, at most once in 10 s */
  get(isKnown?: (view: OriginView) => boolean, waitUntil?: WaitUntil): Promise<OriginView>;
  /** Like `get`, without waiting; null if the vault has to be asked. */
  peek(waitUntil?: WaitUntil): OriginView | null;
}

/** A refused request, for the log. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly status: number;
  readonly method: string;
  /** Without the query, which may contain secrets. */
  readonly path: string;
}

export interface UsageParts {
  /** Null until the vault is open. */
  readonly peek: () => Meter | null;
  /** @throws what opening the vault throws */
  readonly get: () => Promise<Meter>;
}

export interface BackendParts<Secrets> {
  readonly views: OriginViews;
  readonly replay: ReplayStore;
  readonly clock: { nowMs(): number };
  /** Gets the reason of each refusal; the client learns only the code. */
  readonly log: (refusal: Refusal) => void;
  /** Reports usage. Absent if this backend cannot. */
  readonly usage?: UsageParts;
  /** Absent if this backend cannot start processes. */
  readonly openTunnel?: (options: TunnelOptions) => Promise<TunnelProgram>;
  /** The opened vault. */
  readonly secrets: () => Promise<Secrets>;
  readonly close: () => Promise<void>;
}

/** An origin behind a gateway. It verifies each request, and nothing turns that off. */
export class Backend<Secrets = unknown> implements Verifier {
  readonly #parts: BackendParts<Secrets>;
  readonly #contexts = new WeakMap<object, { readonly context: RequestContext; readonly method: string }>();
  readonly #hooks: (() => unknown)[] = [];
  readonly #refused = new Map<string, number>();
  #verified = 0;
  #lastView: OriginView | null = null;
  #tunnel: TunnelProgram | null = null;
  #starting: Promise<boolean> | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: BackendParts<Secrets>) {
    this.#parts = parts;
  }

  /** The opened vault. The first call opens it. */
  get secrets(): Promise<Secrets> {
    return this.#parts.secrets();
  }

  /**
   * The basic operation: verifies that a request came through the gateway unchanged, and for the first time.
   *
   * @throws VerificationError its `code` is for the client, its message for the log
   */
  async verifyRequest(input: VerifyRequestInput): Promise<RequestContext> {
    try {
      const context = await this.#verify(input);
      this.#verified++;
      return context;
    } catch (error) {
      if (error instanceof VerificationError) this.#report(error, input);
      throw error;
    }
  }

  async #verify(input: VerifyRequestInput): Promise<RequestContext> {
    const { replay, clock } = this.#parts;
    const { waitUntil } = input;
    const view = this.#parts.views.peek(waitUntil) ?? (await this.#view(undefined, waitUntil));
    try {
      return await verifyRequest(input, { view, replay, clock });
    } catch (error) {
      // The vault may have gained a key or a route since it was last read.
      const outdated = error instanceof VerificationError && ["unknown_key_id", "route_unknown"].includes(error.code);
      const newer = outdated ? await this.#view((it) => it !== view, waitUntil) : view;
      if (newer === view) throw error;
      return verifyRequest(input, { view: newer, replay, clock });
    }
  }

  /** @throws VerificationError jwks_unavailable */
  async #view(isKnown?: (view: OriginView) => boolean, waitUntil?: WaitUntil): Promise<OriginView> {
    try {
      this.#lastView = await this.#parts.views.get(isKnown, waitUntil);
      return this.#lastView;
    } catch (error) {
      if (error instanceof VerificationError) throw error;
      throw new VerificationError("jwks_unavailable", `the vault does not open: ${String(error)}`, { cause: error });
    }
  }

  #report({ code, message, status }: VerificationError, { method, target, path }: VerifyRequestInput): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
    try {
      this.#parts.log({ code, reason: message, status, method, path: (target ?? path ?? "").replace(/\?.*$/s, "") });
    } catch {
      // A failing log must not turn a refusal into another error, because adapters answer only refusals.
    }
  }

  remember(requests: readonly object[], context: RequestContext, method: string): void {
    const { requestId, routeId } = context;
    for (const request of requests) {
      this.#contexts.set(request, { context, method });
      const reporting = this.#parts.usage?.peek() ?? null;
      if (reporting !== null) rememberVerified(request, { requestId, routeId, reporting });
    }
  }

  /**
   * What was verified about a request that came through `middleware`, `protect` or another adapter.
   *
   * @throws VerificationError missing_signature: this backend has not verified the request
   */
  contextOf(request: object): RequestContext {
    return this.#known(request).context;
  }

  requireRoute(request: object, id: string, method: string): RequestContext {
    const known = this.#known(request);
    if (known.context.routeId !== id) {
      throw new VerificationError("route_mismatch", `the handler of ${id} got a request for ${known.context.routeId}`);
    }
    if (known.method !== method) {
      throw new VerificationError(
        "route_mismatch",
        `something changed ${known.method} to ${method} after it was verified`,
      );
    }
    return known.context;
  }

  #known(request: object): { readonly context: RequestContext; readonly method: string } {
    const known = this.#contexts.get(request);
    if (known !== undefined) return known;
    throw new VerificationError("missing_signature", "no middleware of vsync/backend has verified this request");
  }

  /**
   * For Express, and everything that takes `(request, response, next)`. Register it before any body parser:
   * `app.use(backend.middleware())`.
   */
  middleware(options?: MiddlewareOptions): ExpressMiddleware {
    return createExpressMiddleware(this, options);
  }

  /**
   * In front of the handler of one route in the settings: lets only requests for that route through. For Express, and
   * as Fastify's `preHandler`.
   */
  route(id: string): RouteGuard {
    return routeGuard(this, id);
  }

  /** Wraps a handler of Fetch requests, and calls it only for verified ones: Hono, Next, Bun, Deno, Workers. */
  protect<Rest extends unknown[]>(handler: ProtectedHandler<Rest>): FetchHandler<Rest> {
    return protectFetch(this, handler);
  }

  /**
   * Verifies a WebSocket upgrade, which middleware never sees: `server.on("upgrade", …)`. Null if it was refused; the
   * socket has then been answered and closed.
   */
  async verifyUpgrade(request: NodeRequest, socket: NodeSocket): Promise<RequestContext | null> {
    return verifyNodeUpgrade(this, request, socket);
  }

  /**
   * Compares the routes that the app registers with those in the settings, and names everything that would let requests
   * past. It never stops a boot; the report has what it found.
   */
  async ready(app?: unknown, server?: unknown): Promise<ReadyReport> {
    const view = await this.#view().catch(() => null);
    return buildReadyReport(view?.backend.routes, app, server);
  }

  /** The current state, without a request. */
  health(): HealthReport {
    const { views, clock } = this.#parts;
    const counts = { verified: this.#verified, refused: Object.fromEntries(this.#refused) };
    const tunnel = this.#tunnel?.status ?? null;
    return buildHealthReport({ view: peeked(views), last: this.#lastView, atMs: clock.nowMs(), ...counts, tunnel });
  }

  /**
   * For a backend whose transport is `tunnel`: runs the program that you name, and restarts it when it ends, until
   * `shutdown`. Does nothing for any other backend.
   *
   * @returns whether there is a tunnel
   * @throws InputError no program is named, it cannot be started, or the token lacks the capability `tunnel`
   * @throws VerificationError jwks_unavailable: the vault does not open
   */
  async start(options?: TunnelOptions): Promise<boolean> {
    const view = await this.#view();
    if (!wantsTunnel(view, options)) return false;
    this.#starting ??= this.#startTunnel(options).catch((error: unknown) => {
      this.#starting = this.#tunnel = null;
      throw error;
    });
    return this.#starting;
  }

  async #startTunnel(options: TunnelOptions): Promise<boolean> {
    const tunnel = await this.#parts.openTunnel?.(options);
    // After `shutdown`, nothing would stop it.
    if (tunnel === undefined || this.#closing !== null) return false;
    this.#tunnel = tunnel;
    await tunnel.start();
    return true;
  }

  /** Hooks run in the order given, before waiting usage is written and the vault is closed. */
  onShutdown(hook: () => unknown): void {
    this.#hooks.push(hook);
  }

  /**
   * Records usage that no response reports. Resolves once it would survive a kill of the process; it reaches the store
   * within a minute. Give your own `id`: usage recorded again under the same id on the same day counts once.
   *
   * @throws MeteringError invalid_meter_key, invalid_meter_value; not_recorded: try again, with the same id
   */
  async meter(meter: string, amount: number, options: MeterOptions = {}): Promise<void> {
    const { usage } = this.#parts;
    if (usage === undefined) throw new MeteringError("not_recorded", "this backend has no vault to record usage in");
    const own = await usage.get().catch((cause: unknown) => {
      throw new MeteringError("not_recorded", `the vault does not open: ${String(cause)}`, { cause });
    });
    await own.meter(meter, amount, options);
  }

  /**
   * Writes the waiting usage.
   *
   * @throws what the store throws; the usage keeps waiting, and is retried every minute
   */
  async flush(): Promise<void> {
    await this.#parts.usage?.peek()?.flush();
  }

  /**
   * Runs the hooks and closes the vault. Idempotent. Requests already under way are still verified, for a minute at
   * most.
   */
  shutdown(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const hook of this.#hooks) await hook();
    await this.#tunnel?.stop();
    await this.#parts.usage?.peek()?.close();
    await this.#parts.close();
  }
}

/** `peek` throws for an expired token, which counts as null here. */
function peeked(views: OriginViews): OriginView | null {
  try {
    return views.peek();
  } catch {
    return null;
  }
}
