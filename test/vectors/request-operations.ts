import type { ProfileName } from "../../src/backend/signed/profiles.ts";
import { VerificationError } from "../../src/backend/verification-error.ts";
import { NonceCache } from "../../src/backend/verify/replay.ts";
import { verifyRequest } from "../../src/backend/verify/verify-request.ts";
import type { GatewayKey } from "../../src/tokens/backends/gateway-key.ts";
import type { RouteSetting } from "../../src/tokens/backends/settings.ts";
import { viewOf } from "../backend/fixture.ts";
import { bytesOf } from "./bytes.ts";
import type { Run, VectorBytes } from "./vector.ts";

interface RequestVector {
  readonly profile: ProfileName;
  readonly vault: string;
  readonly backend: string;
  readonly keys: readonly GatewayKey[];
  /** Seconds since 1970. */
  readonly now: number;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: VectorBytes;
}

const ROUTES: readonly RouteSetting[] = [
  { id: "jobs.create", method: "*", path: "/v1/jobs" },
  { id: "jobs.get", method: "GET", path: "/v1/jobs/{id}" },
  { id: "upload", method: "PUT", path: "/files/*", body: "unsigned" },
];

export const REQUEST_OPERATIONS = {
  async verifyRequest({ input }: Run<RequestVector>) {
    const { profile, vault, backend, keys, now } = input;
    const view = viewOf(profile, { vault, keys, backend: { id: backend, routes: ROUTES } });
    const clock = { nowMs: () => now * 1000 };
    try {
      const body = bytesOf(input.body);
      const verified = await verifyRequest({ ...input, body }, { view, replay: new NonceCache(clock), clock });
      const { requestId, keyId, routeId, bodyVerified, contextToken } = verified;
      const context = profile === "x-fs" ? contextToken : contextHeader(input);
      return { requestId, keyId, routeId, context, bodyVerified };
    } catch (error) {
      if (error instanceof VerificationError) return { code: error.code };
      throw error;
    }
  },
};

const contextHeader = ({ headers }: RequestVector): unknown => headers["vsync-context"] ?? null;
