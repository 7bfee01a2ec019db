import { ed25519 } from "@noble/curves/ed25519.js";
import { EMPTY_HASH, hashBody } from "../../src/backend/signed/body-hash.ts";
import type { RequestToSign } from "../../src/backend/signed/claim.ts";
import { PROFILES, type ProfileName } from "../../src/backend/signed/profiles.ts";
import type { GatewayKey } from "../../src/backend/verify/gateway-keys.ts";
import type { BackendView, OriginView } from "../../src/backend/views.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import type { RouteSetting } from "../../src/tokens/backends/settings.ts";

export const NOW_MS = Date.parse("2026-11-30T09:00:00.000Z");
export const SEED = new Uint8Array(32).fill(1);
export const KEY: GatewayKey = { kid: "gw-1", public: encodeBase64(ed25519.getPublicKey(SEED)) };
const ROUTES: readonly RouteSetting[] = [
  { id: "jobs.create", method: "POST", path: "/v1/jobs" },
  { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
  { id: "upload", method: "PUT", path: "/files/*", body: "unsigned" },
];

export interface ViewChanges extends Partial<Omit<OriginView, "backend">> {
  readonly backend?: Partial<BackendView>;
}

/** The settings and keys that the origin `api` knows. */
export function viewOf(profile: ProfileName, { backend = {}, ...changes }: ViewChanges = {}): OriginView {
  const times = { maxAgeSeconds: 60, maxStaleMinutes: 60 };
  return {
    vault: "v",
    gen: 1,
    backend: { id: "api", profile, routes: ROUTES, meters: undefined, ...times, transportMode: "direct", ...backend },
    keys: [KEY],
    tokenId: "tok_00000000000000000000000000000000",
    capabilities: ["gateway_verification"],
    untilMs: Number.POSITIVE_INFINITY,
    ...changes,
  };
}

/** A fresh request id. */
let drawn = 0;
const nextId = (): string => `request-${String(++drawn).padStart(14, "0")}`;

export const BODY = new TextEncoder().encode('{"name":"nightly"}');

/** `POST /v1/jobs` with a body, with `changes` applied. */
export async function toSign(changes: Partial<RequestToSign> & { body?: Uint8Array } = {}): Promise<RequestToSign> {
  const { body = BODY, ...others } = changes;
  return {
    method: "POST",
    target: "/v1/jobs?dry=1",
    contentType: "application/json",
    contentEncoding: null,
    bodyHash: body.length === 0 ? EMPTY_HASH : await hashBody(body),
    requestId: nextId(),
    created: NOW_MS / 1000,
    expires: NOW_MS / 1000 + 60,
    vault: "v",
    backend: "api",
    routeId: "jobs.create",
    policyVersion: "",
    context: null,
    ...others,
  };
}

/** All headers of the request that the gateway sends. */
export function signedHeaders(
  profile: ProfileName,
  request: RequestToSign,
  seed: Uint8Array = SEED,
  kid = "gw-1",
): Record<string, string> {
  return {
    ...(request.contentType === null ? {} : { "content-type": request.contentType }),
    ...(request.contentEncoding === null ? {} : { "content-encoding": request.contentEncoding }),
    ...PROFILES[profile].sign(request, { kid, privateKey: seed }),
  };
}
