import { ed25519 } from "@noble/curves/ed25519.js";
import { EMPTY_HASH, hashBody } from "../../src/backend/signed/body-hash.ts";
import type { RequestToSign } from "../../src/backend/signed/claim.ts";
import { PROFILES, type ProfileName } from "../../src/backend/signed/profiles.ts";
import type { GatewayKey } from "../../src/backend/verify/gateway-keys.ts";
import type { OriginView } from "../../src/backend/verify/origin-view.ts";
import type { Route } from "../../src/backend/verify/routes.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";

export const NOW_MS = Date.parse("2026-11-30T09:00:00.000Z");
export const SEED = new Uint8Array(32).fill(1);
export const KEY: GatewayKey = { kid: "gw-1", public: encodeBase64(ed25519.getPublicKey(SEED)) };
const ROUTES: readonly Route[] = [
  { id: "jobs.create", method: "POST", path: "/v1/jobs" },
  { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
  { id: "upload", method: "PUT", path: "/files/*", body: "unsigned" },
];

export function viewOf(profile: ProfileName, changes: Partial<OriginView> = {}): OriginView {
  return { vault: "v", backend: "api", profile, maxAgeSeconds: 60, keys: [KEY], routes: ROUTES, ...changes };
}

/** A fresh request id. */
let drawn = 0;
const nextId = (): string => `request-${String(++drawn).padStart(14, "0")}`;

export const BODY = new TextEncoder().encode('{"name":"nightly"}');

/** `POST /v1/jobs` with a body, but for what `changes` say. */
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

/** All headers of the request as it leaves the gateway. */
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
