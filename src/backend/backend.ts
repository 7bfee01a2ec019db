import { MeteringError } from "../usage/metering-error.ts";
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

/** Where a backend learns what its vault says now. */
export interface OriginViews {
  /** @param isKnown false: the vault is asked again first, at most once in 10 s */
  get(isKnown?: (view: OriginView) => boolean, waitUntil?: WaitUntil): Promise<OriginView>;
  /** As `get`, without waiting; null if the vault has to be asked. */
  peek(waitUntil?: WaitUntil): OriginView | null;
}

/** A request that was refused, for the log. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly status: number;
  readonly method: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
}

export interface UsageParts {
  /** Once the vault is open; null before. */
  readonly peek: () => Meter | null;
  /** @throws what opening the vault throws */
  readonly get: () => Promise<Meter>;
}

export interface BackendParts<Secrets> {
  readonly views: OriginViews;
  readonly replay: ReplayStore;
  readonly clock: { nowMs(): number };
  /** The client learns the code alone; this gets the reason. */
  readonly log: (refusal: Refusal) => void;
  /** Reports usage; absent: this backend cannot. */
  readonly usage?: UsageParts;
  /** Absent: this backend has no processes. */
  readonly openTunnel?: (options: TunnelOptions) => Promise<TunnelProgram>;
  /** The opened vault. */
  readonly secrets: () => Promise<Secrets>;
  readonly close: () => Promise<void>;
}

/** An origin behind a gateway: it verifies each request, and nothing turns that off. */
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
   * The primitive: verifies that a request came through the gateway, as it is and for the first time.
   *
   * @throws VerificationError `code` is for the client, the message for the log
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
      // The vault may have a key or a route since the last look.
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
      // A log that fails makes no other error of a refusal: adapters answer refusals alone.
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
   * What was verified of a request that came through `middleware`, `protect` or another adapter.
   *
   * @throws VerificationError missing_signature: this backend has not verified it
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
        `something made ${known.method} into ${method} after it was verified`,
      );
    }
    return known.context;
  }

  #known(request: object): { readonly context: RequestContext; readonly method: string } {
    const known = this.#contexts.get(request);
    if (known !== undefined) return known;
    throw new VerificationError("missing_signature", "no middleware of vsync/backend has verified this request");
  }

  /** For Express, and all that takes `(request, response, next)`. Before any body parser: `app.use(backend.middleware())`. */
  middleware(options?: MiddlewareOptions): ExpressMiddleware {
    return createExpressMiddleware(this, options);
  }

  /** Before the handler of a route of the settings: it serves that route and no other. Express, and Fastify's `preHandler`. */
  route(id: string): RouteGuard {
    return routeGuard(this, id);
  }

  /** A handler of Fetch requests that gets only verified ones: Hono, Next, Bun, Deno, Workers. */
  protect<Rest extends unknown[]>(handler: ProtectedHandler<Rest>): FetchHandler<Rest> {
    return protectFetch(this, handler);
  }

  /**
   * Verifies a WebSocket upgrade, which no middleware sees: `server.on("upgrade", …)`. Null if it was refused; then the
   * socket has been answered and closed.
   */
  async verifyUpgrade(request: NodeRequest, socket: NodeSocket): Promise<RequestContext | null> {
    return verifyNodeUpgrade(this, request, socket);
  }

  /**
   * Compares the routes that the app registers with those of the settings, and names what would let requests past. It
   * blocks no boot: what it finds is in the report.
   */
  async ready(app?: unknown, server?: unknown): Promise<ReadyReport> {
    const view = await this.#view().catch(() => null);
    return buildReadyReport(view?.backend.routes, app, server);
  }

  /** As of now, without a request. */
  health(): HealthReport {
    const { views, clock } = this.#parts;
    const counts = { verified: this.#verified, refused: Object.fromEntries(this.#refused) };
    const tunnel = this.#tunnel?.status ?? null;
    return buildHealthReport({ view: peeked(views), last: this.#lastView, atMs: clock.nowMs(), ...counts, tunnel });
  }

  /**
   * For a backend whose transport is `tunnel`: runs the program that you name, and starts it again when it ends, until
   * `shutdown`. For any other backend it does nothing.
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
    // Nobody would stop it.
    if (tunnel === undefined || this.#closing !== null) return false;
    this.#tunnel = tunnel;
    await tunnel.start();
    return true;
  }

  /** Runs before the usage that waits is written and the vault is closed, in the order given. */
  onShutdown(hook: () => unknown): void {
    this.#hooks.push(hook);
  }

  /**
   * Records usage that no response tells of. Resolves once it would outlast a kill of the process; it reaches the store within
   * a minute. Give your own `id`: what is recorded again under it, on the same day, counts once.
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

  /** Writes the usage that waits. @throws what the store throws; it goes on waiting, and is tried every minute */
  async flush(): Promise<void> {
    await this.#parts.usage?.peek()?.flush();
  }

  /** Runs the hooks and closes the vault. Idempotent. For a minute at most, requests that are under way are still verified. */
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

/** A token that has expired is one that cannot be peeked at. */
function peeked(views: OriginViews): OriginView | null {
  try {
    return views.peek();
  } catch {
    return null;
  }
}
