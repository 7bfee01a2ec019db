import { ed25519 } from "@noble/curves/ed25519.js";
import type { RouteSetting } from "../tokens/backends/settings.ts";
import { toBase64, toBase64Url } from "../tokens/base64.ts";
import { nowMs } from "../tokens/system-clock.ts";
import { Backend, type Refusal } from "./backend.ts";
import { hashBody } from "./signed/body-hash.ts";
import type { SigningKey } from "./signed/claim.ts";
import { encodeContext, type SignedContext } from "./signed/context.ts";
import { PROFILES, type ProfileName } from "./signed/profiles.ts";
import { type RequestHeaders, wholeHeader } from "./signed/request-headers.ts";
import { NonceCache, type ReplayStore } from "./verify/replay.ts";
import { routeServing } from "./verify/routes.ts";
import type { OriginView } from "./views.ts";

/**
 * `vsync/backend/testing`: a backend without a vault, and requests as its gateway would send them, for an app's tests.
 * A backend of `initFromEnv()` accepts none of the signatures made here.
 */
export { hashBody } from "./signed/body-hash.ts";
export {
  canonicalizeQuery,
  type Ed25519Jwk,
  signCanonicalString,
  verifyCanonicalSignature,
} from "./signed/canonical-signature.ts";
export { type CanonicalSigningInput, canonicalString as buildCanonicalSigningString } from "./signed/x-fs.ts";

export interface TestBackendOptions {
  /** The backend's id. Default: `api`. */
  readonly backend?: string;
  /** Default: `rfc9421`. */
  readonly profile?: ProfileName;
  /** As in the settings. If absent, the backend declares none. */
  readonly routes?: readonly RouteSetting[];
  readonly replay?: ReplayStore;
  readonly clock?: { nowMs(): number };
  readonly maxAgeSeconds?: number;
  /** Gets the reason of each refusal. */
  readonly log?: (refusal: Refusal) => void;
}

interface Signing {
  readonly key: SigningKey;
  readonly view: OriginView;
  readonly clock: { nowMs(): number };
}

const signings = new WeakMap<Backend, Signing>();

/** A backend in memory with its own key, which `signRequest` signs with. */
export function createTestBackend(options: TestBackendOptions = {}): Backend {
  const { clock = { nowMs }, replay = new NonceCache(clock), log = () => undefined } = options;
  const key = { kid: "test", privateKey: crypto.getRandomValues(new Uint8Array(32)) };
  const view = viewOf(options, toBase64(ed25519.getPublicKey(key.privateKey)));
  const backend = new Backend({
    views: { get: async () => view, peek: () => view },
    replay,
    clock,
    log,
    secrets: () => Promise.reject(new Error("a backend in memory has no vault")),
    close: async () => undefined,
  });
  signings.set(backend, { key, view, clock });
  return backend;
}

function viewOf(options: TestBackendOptions, publicKey: string): OriginView {
  const { backend = "api", profile = "rfc9421", routes, maxAgeSeconds = 60 } = options;
  return {
    vault: "test",
    gen: 1,
    backend: {
      id: backend,
      profile,
      routes,
      meters: undefined,
      maxAgeSeconds,
      maxStaleMinutes: 60,
      transportMode: "direct",
    },
    keys: [{ kid: "test", public: publicKey }],
    tokenId: "tok_00000000000000000000000000000000",
    capabilities: ["gateway_verification", "metering"],
    untilMs: Number.POSITIVE_INFINITY,
  };
}

export interface RequestToTest {
  readonly method?: string;
  /** The path with its query. */
  readonly target: string;
  readonly headers?: RequestHeaders;
  readonly body?: Uint8Array | string | null;
  readonly context?: SignedContext;
  /** The route to sign. Default: the one that serves the request. */
  readonly route?: string;
  /** Milliseconds since the epoch. Default: now. */
  readonly createdMs?: number;
}

/**
 * The headers that the gateway of an in-memory backend adds to a request. Send them together with the request's own.
 *
 * @throws TypeError the backend is not from `createTestBackend`, or the profile cannot represent the request
 */
export async function signRequest(backend: Backend, request: RequestToTest): Promise<Record<string, string>> {
  const signing = signings.get(backend);
  if (signing === undefined) throw new TypeError("signRequest takes a backend of createTestBackend()");
  const { key, view, clock } = signing;
  const { method = "GET", target, headers = {}, context } = request;
  const { id, profile, routes = [], maxAgeSeconds } = view.backend;
  const serving = routeServing(routes, method, target);
  const created = Math.floor((request.createdMs ?? clock.nowMs()) / 1000);
  return PROFILES[profile].sign(
    {
      method,
      target,
      contentType: wholeHeader(headers, "content-type") ?? null,
      contentEncoding: wholeHeader(headers, "content-encoding") ?? null,
      bodyHash: serving?.body === "unsigned" ? null : await hashBody(bytesOf(request.body)),
      requestId: toBase64Url(crypto.getRandomValues(new Uint8Array(16))),
      created,
      expires: created + maxAgeSeconds,
      vault: view.vault,
      backend: id,
      routeId: request.route ?? serving?.id ?? "",
      policyVersion: String(view.gen),
      context: context === undefined ? null : encodeContext(context),
    },
    key,
  );
}

function bytesOf(body: RequestToTest["body"]): Uint8Array {
  if (body === null || body === undefined) return new Uint8Array();
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
