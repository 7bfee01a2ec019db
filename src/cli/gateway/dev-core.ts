import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { BackendSettings } from "../../tokens/backends/settings.ts";
import { backendOf, settingsOfBackends } from "../../tokens/backends/settings.ts";
import type { TokenSnapshot } from "../../tokens/snapshot.ts";
import { jwkOf } from "./gateway-keys.ts";

export interface DevCore {
  /** Reads what the vault says at the moment. */
  readonly read: () => Promise<TokenSnapshot>;
  /** The backend that the client serves. Default: the vault's default backend. */
  readonly backend?: string | undefined;
  /** `fsrt_…`, the secret that the client has to send. */
  readonly token: string;
}

/** The header names of profile x-fs, under the keys that its client expects. */
const HEADER_NAMES = Object.fromEntries(
  [
    "signature",
    "keyId",
    "requestId",
    "timestamp",
    "businessId",
    "backendId",
    "routeId",
    "policyVersion",
    "bodyHash",
  ].map((name) => [name, `x-fs-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`]),
);
const REFRESH_SECONDS = 60;

/**
 * Serves what npm's `@farthershore/backend` asks its core for: its configuration and the keys, taken from a vault. It
 * checks the Host, so a web page cannot read it through a name rebound to this machine.
 */
export function devCoreServer(core: DevCore): Server {
  const server = createServer((request, response) => {
    answer(core, request, addressOf(server)).then(
      ([status, body]) => reply(response, status, body),
      () => reply(response, 503, fault("internal_error", "the vault did not answer")),
    );
  });
  return server;
}

/**
 * False for a name that another site's DNS points here: that site's pages must neither read responses nor get requests
 * signed.
 */
export function isForLoopback({ headers, socket: { localPort } }: IncomingMessage): boolean {
  return [`127.0.0.1:${localPort}`, `localhost:${localPort}`].includes(headers.host ?? "");
}

type Answer = readonly [status: number, body: object];

async function answer(core: DevCore, request: IncomingMessage, address: string): Promise<Answer> {
  if (!isForLoopback(request)) {
    return [421, fault("misdirected", "the Host is not this server's")];
  }
  const asked = `${request.method} ${request.url}`;
  request.resume();
  if (asked === "GET /.well-known/jwks.json") {
    return [200, { keys: (await core.read()).gatewayKeys.map(jwkOf) }];
  }
  if (request.headers.authorization !== `Bearer ${core.token}`) {
    return [401, fault("invalid_token", "the token is not the one that this server printed")];
  }
  if (asked === "POST /v1/runtime/bootstrap") return bootstrap(core, await core.read(), address);
  if (/^POST \/v1\/runtime\/(?:health|drift)$/.test(asked)) return [200, { ok: true }];
  return [404, fault("not_found", "this server only answers bootstrap and keys")];
}

function bootstrap(
  { backend: wanted, token }: DevCore,
  { vault, gen, settings }: TokenSnapshot,
  address: string,
): Answer {
  const known: BackendSettings = settings ?? {};
  const backend = backendOf(known, wanted);
  if (backend === undefined) return [404, fault("backend_unknown", "the vault's settings have no such backend")];
  const { routes = [] } = settingsOfBackends(known, [backend.id]);
  const { id } = backend;
  return [
    200,
    {
      business: { id: vault, slug: vault },
      backend: { id, slug: id, name: id },
      environment: { id: null, kind: token.startsWith("fsrt_live_") ? "live" : "test" },
      operations: [],
      verification: {
        required: true,
        jwksUrl: `http://${address}/.well-known/jwks.json`,
        clockSkewSeconds: 5,
        replayWindowSeconds: 300,
        headerNames: HEADER_NAMES,
      },
      // Disabled, because the client signs usage with a key of its own, which settle would refuse.
      metering: { enabled: false, endpoint: "", credential: "", allowedMeters: [], allowedRoutes: [], perEventMax: 0 },
      transport: { mode: "direct", runner: null },
      routes: routes.map(({ id: route, method, path }) => ({ id: route, method, path, backendId: id })),
      policyVersion: String(gen),
      refreshAfterSeconds: REFRESH_SECONDS,
    },
  ];
}

function fault(code: string, message: string): object {
  return { error: { code, message } };
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

/** `127.0.0.1:8080` */
export function addressOf(server: Server): string {
  const address = server.address();
  return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
}
