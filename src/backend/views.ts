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
  /** What it may report; undefined if the settings have no meters and so do not limit them. */
  readonly meters: readonly MeterSetting[] | undefined;
  readonly maxAgeSeconds: number;
  readonly maxStaleMinutes: number;
  readonly transportMode: "direct" | "tunnel";
}

/** What an origin knows of itself and its gateway, as of one generation. */
export interface OriginView {
  /** The vault's id. */
  readonly vault: string;
  readonly gen: number;
  readonly backend: BackendView;
  readonly keys: readonly GatewayKey[];
  readonly tokenId: string;
  /** `live` or `test`. */
  readonly kind: string;
  /** The token's own allow-lists, beside the backend's. */
  readonly routes?: readonly string[] | undefined;
  readonly meters?: readonly string[] | undefined;
  readonly capabilities: readonly string[];
  /** Base64 of the X25519 public key that usage is sealed to. */
  readonly usageKey?: string | undefined;
  /** When the token ends, in milliseconds since 1970. */
  readonly untilMs: number;
}

/** What a gateway knows, as of one generation. */
export interface GatewayView {
  readonly vault: string;
  readonly gen: number;
  readonly tokenId: string;
  /** Each with the private half. */
  readonly signingKeys: readonly (GatewayKey & GatewaySigner)[];
  readonly backends: readonly BackendView[];
  /** Requests that no route names are for this one. */
  readonly defaultBackend: BackendView | undefined;
  readonly routes: readonly (RouteSetting & { readonly backend: string })[];
  readonly meters: readonly MeterSetting[];
  /** The tokens of the vault, for `settle`; null for a gateway that may not verify them. */
  readonly known: KnownTokens | null;
  /** Base64 of the X25519 public key that usage is sealed to. */
  readonly usageKey?: string | undefined;
  readonly untilMs: number;
}

const MAX_AGE_SECONDS = 60;
const MAX_STALE_MINUTES = 60;
/** A revoked token ends within this time. */
const MAX_AGE_MS = 60_000;
/** Then the vault is asked, while requests go on with what it said before. */
const REFRESH_MS = 45_000;

/** @throws ConfigInvalidError the token is not an origin's, or the vault has no backend for it */
export function originViewOf(snapshot: TokenSnapshot): OriginView {
  const { vault, gen, claims, gatewayKeys, settings, usageKey } = snapshot;
  const setting = settings === null ? undefined : backendOf(settings, claims.backend);
  if (setting === undefined) throw noBackend(claims.backend);
  const { id, kind, routes, meters, capabilities } = claims;
  return {
    vault,
    gen,
    backend: viewOf(setting, settings ?? {}),
    keys: gatewayKeys.filter(({ backends }) => backends?.includes(setting.id) ?? true),
    tokenId: id,
    kind,
    routes,
    meters,
    capabilities,
    usageKey,
    untilMs: endOf(snapshot),
  };
}

/** @throws ConfigInvalidError the token is not a gateway's, or the vault has no key for it */
export function gatewayViewOf(snapshot: TokenSnapshot): GatewayView {
  const { vault, gen, claims, gatewayKeys, signers, settings, verify, usageKey } = snapshot;
  const privateKeys = new Map(signers.map(({ kid, privateKey }) => [kid, privateKey]));
  const signingKeys = gatewayKeys.flatMap((key) => {
    const privateKey = privateKeys.get(key.kid);
    return privateKey === undefined ? [] : [{ ...key, privateKey }];
  });
  if (signingKeys.length === 0) throw noKey(snapshot);
  const { backends = [], routes = [], meters = [] } = settings ?? {};
  const views = backends.map((it) => viewOf(it, settings ?? {}));
  const fallback = settings === null ? undefined : backendOf(settings);
  return {
    vault,
    gen,
    tokenId: claims.id,
    signingKeys,
    backends: views,
    defaultBackend: views.find(({ id }) => id === fallback?.id),
    routes: routes.map((route) => ({ ...route, backend: route.backend ?? fallback?.id ?? "" })),
    meters,
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
 * A view that asks its vault again: for an origin or a gateway, every 60 s. A token that was revoked ends with the next
 * answer, one that expires at its time.
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
   * @param isKnown false: the vault is asked again, at most once in 10 s, before the view is given
   * @throws TokenRefusedError the token has ended
   * @throws VerificationError jwks_unavailable
   */
  async get(isKnown?: (view: View) => boolean, waitUntil?: WaitUntil): Promise<View> {
    return this.#current(await this.#newest.get(isKnown, waitUntil));
  }

  /** As `get`, without waiting; null if the vault has to be asked first. */
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
  /** How long a view counts while the vault does not answer. */
  readonly maxStaleMinutes: (view: View) => number;
  /** What was read just now. */
  readonly first?: View | null;
}

/**
 * The key to sign with for a backend: the newest that every origin has had the time to learn of, or the oldest of all if
 * none is so old.
 */
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
