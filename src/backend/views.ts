import { ConfigInvalidError } from "../errors.ts";
import { KnownTokens } from "../tokens/access/verify.ts";
import { type GatewayKey, SIGNS_AFTER_MS } from "../tokens/backends/gateway-key.ts";
import {
  type BackendSetting,
  type BackendSettings,
  backendOf,
  type MeterSetting,
  type Profile,
  type RouteSetting,
} from "../tokens/backends/settings.ts";
import { Newest } from "../tokens/newest.ts";
import type { GatewaySigner, TokenSnapshot, TokenSource } from "../tokens/snapshot.ts";
import type { WaitUntil } from "../workers.ts";
import { VerificationError } from "./verification-error.ts";

/** An origin's backend, with the defaults filled in. */
export interface BackendView {
  readonly id: string;
  readonly profile: Profile;
  /** Its routes; undefined if it declares none. */
  readonly routes: readonly RouteSetting[] | undefined;
  /** What it may report; undefined if the settings have no meters and so set no limit. */
  readonly meters: readonly MeterSetting[] | undefined;
  readonly maxAgeSeconds: number;
  readonly maxStaleMinutes: number;
  readonly transportMode: "direct" | "tunnel";
}

/** What an origin knows of itself and its gateway at one generation. */
export interface OriginView {
  /** The vault's id. */
  readonly vault: string;
  readonly gen: number;
  readonly backend: BackendView;
  readonly keys: readonly GatewayKey[];
  readonly tokenId: string;
  /** The token's own allow-lists, in addition to the backend's. */
  readonly routes?: readonly string[] | undefined;
  readonly meters?: readonly string[] | undefined;
  readonly capabilities: readonly string[];
  /** When the token expires, in milliseconds since the epoch. */
  readonly untilMs: number;
}

/** What a gateway knows at one generation. */
export interface GatewayView {
  readonly vault: string;
  readonly gen: number;
  /** The keys with their private halves. */
  readonly signingKeys: readonly (GatewayKey & GatewaySigner)[];
  readonly backends: readonly BackendView[];
  /** The backend for requests that match no route. */
  readonly defaultBackend: BackendView | undefined;
  readonly routes: readonly (RouteSetting & { readonly backend: string })[];
  /** The tokens of the vault, for `settle`; null for a gateway that may not verify them. */
  readonly known: KnownTokens | null;
  /** Base64 of the X25519 public key that usage is sealed to. */
  readonly usageKey?: string | undefined;
  readonly untilMs: number;
}

const MAX_AGE_SECONDS = 60;
const MAX_STALE_MINUTES = 60;
/** A revoked token stops working within this time. */
const MAX_AGE_MS = 60_000;
/** From this age on, the vault is read in the background while requests use the old view. */
const REFRESH_MS = 45_000;

/**
 * @throws ConfigInvalidError the token is not an origin's, or the settings lack its backend
 */
export function originViewOf(snapshot: TokenSnapshot): OriginView {
  const { vault, gen, claims, gatewayKeys, settings } = snapshot;
  const setting = settings === null ? undefined : backendOf(settings, claims.backend);
  if (setting === undefined) throw noBackend(claims.backend);
  const { id, routes, meters, capabilities } = claims;
  return {
    vault,
    gen,
    backend: viewOf(setting, settings ?? {}),
    keys: gatewayKeys.filter(({ backends }) => backends?.includes(setting.id) ?? true),
    tokenId: id,
    routes,
    meters,
    capabilities,
    untilMs: endOf(snapshot),
  };
}

/** @throws ConfigInvalidError the token is not a gateway's, or the vault has no key for it */
export function gatewayViewOf(snapshot: TokenSnapshot): GatewayView {
  const { vault, gen, gatewayKeys, signers, settings, verify, usageKey } = snapshot;
  const privateKeys = new Map(signers.map(({ kid, privateKey }) => [kid, privateKey]));
  const signingKeys = gatewayKeys.flatMap((key) => {
    const privateKey = privateKeys.get(key.kid);
    return privateKey === undefined ? [] : [{ ...key, privateKey }];
  });
  if (signingKeys.length === 0) throw noKey(snapshot);
  const { backends = [], routes = [] } = settings ?? {};
  const views = backends.map((it) => viewOf(it, settings ?? {}));
  const fallback = settings === null ? undefined : backendOf(settings);
  return {
    vault,
    gen,
    signingKeys,
    backends: views,
    defaultBackend: views.find(({ id }) => id === fallback?.id),
    routes: routes.map((route) => ({ ...route, backend: route.backend ?? fallback?.id ?? "" })),
    known: verify === null ? null : new KnownTokens(verify),
    usageKey,
    untilMs: endOf(snapshot),
  };
}

function viewOf(backend: BackendSetting, settings: BackendSettings): BackendView {
  const own = settings.routes?.filter((route) => backendOf(settings, route.backend)?.id === backend.id) ?? [];
  return {
    id: backend.id,
    profile: backend.profile ?? "rfc9421",
    routes: own.length === 0 ? undefined : own,
    meters: settings.meters?.filter(({ key }) => backend.meters?.includes(key) ?? true),
    maxAgeSeconds: backend.maxAgeSeconds ?? MAX_AGE_SECONDS,
    maxStaleMinutes: backend.maxStaleMinutes ?? MAX_STALE_MINUTES,
    transportMode: backend.transport?.mode ?? "direct",
  };
}

function endOf({ claims: { not_after } }: TokenSnapshot): number {
  return not_after === undefined ? Number.POSITIVE_INFINITY : Date.parse(not_after);
}

function noBackend(id: string | undefined): ConfigInvalidError {
  const named = id === undefined ? "no backend" : `no backend ${JSON.stringify(id)}`;
  return new ConfigInvalidError(`the vault's settings have ${named} for this token`, {
    hint: "declare it with `vsync settings --from=<file>`, and create the token with --backend and --capabilities=gateway_verification",
  });
}

function noKey({ claims: { backend, permissions } }: TokenSnapshot): ConfigInvalidError {
  if (permissions?.includes("api.gateway.sign") !== true) {
    return new ConfigInvalidError("this token may not sign as the gateway", {
      hint: "create one for it, with `vsync tokens create --name=gateway --no-secrets --permissions=api.gateway.sign,api.tokens.verify`",
    });
  }
  const flag = backend === undefined ? "" : ` --backends=${backend}`;
  return new ConfigInvalidError("the vault has no gateway key for this token", {
    hint: `make one with \`vsync gateway-keys rotate${flag}\``,
  });
}

/**
 * A view that is renewed from the vault, for an origin or a gateway every 60 s. A revoked token stops working with the
 * next response, an expired one on time.
 */
export class Views<View extends { readonly gen: number; readonly untilMs: number }> {
  readonly #newest: Newest<View>;
  readonly #clock: { nowMs(): number };

  constructor(
    source: TokenSource,
    viewOfSnapshot: (snapshot: TokenSnapshot) => View,
    { clock, maxStaleMinutes, first }: ViewsOptions<View>,
  ) {
    this.#clock = clock;
    let last: { readonly snapshot: TokenSnapshot; readonly view: View } | null = null;
    const read = async (): Promise<View> => {
      const snapshot = await source.readToken();
      if (last?.snapshot !== snapshot) last = { snapshot, view: viewOfSnapshot(snapshot) };
      return last.view;
    };
    this.#newest = new Newest({
      read,
      clock,
      maxAgeMs: MAX_AGE_MS,
      refreshMs: REFRESH_MS,
      maxStaleMs: (view) => maxStaleMinutes(view) * 60_000,
      first: first ?? undefined,
      stale: () => new VerificationError("jwks_unavailable", "the vault has not answered for too long"),
    });
  }

  /**
   * @param isKnown if it returns false, the vault is asked again first, at most once in 10 s
   * @throws TokenRefusedError the token has ended
   * @throws VerificationError jwks_unavailable
   */
  async get(isKnown?: (view: View) => boolean, waitUntil?: WaitUntil): Promise<View> {
    return this.#current(await this.#newest.get(isKnown, waitUntil));
  }

  /** Like `get`, without waiting; null if the vault has to be asked first. */
  peek(waitUntil?: WaitUntil): View | null {
    const view = this.#newest.peek(waitUntil);
    return view === null ? null : this.#current(view);
  }

  #current(view: View): View {
    if (this.#clock.nowMs() < view.untilMs) return view;
    throw new VerificationError("jwks_unavailable", "the token has expired");
  }
}

export interface ViewsOptions<View> {
  readonly clock: { nowMs(): number };
  /** How long a view stays valid while the vault does not respond. */
  readonly maxStaleMinutes: (view: View) => number;
  /** What has just been read. */
  readonly first?: View | null;
}

/** The key to sign with for a backend: the newest one that every origin has had time to learn, or else the oldest. */
export function signingKeyFor(
  { signingKeys }: GatewayView,
  backend: string,
  atMs: number,
): (GatewayKey & GatewaySigner) | null {
  const usable = signingKeys
    .filter(({ backends }) => backends?.includes(backend) ?? true)
    .filter(({ not_after }) => not_after === undefined || atMs < Date.parse(not_after))
    .toSorted((a, b) => sinceOf(a) - sinceOf(b));
  return usable.findLast((key) => atMs >= sinceOf(key) + SIGNS_AFTER_MS) ?? usable[0] ?? null;
}

function sinceOf({ not_before }: GatewayKey): number {
  return not_before === undefined ? 0 : Date.parse(not_before);
}
