import { isGatewayHeader } from "../signed/trusted-headers.ts";
import type { NodeRequest } from "./node-message.ts";

type Fields = Record<string, unknown>;

interface Strippable extends NodeRequest {
  readonly headers?: Fields;
  readonly headersDistinct?: Fields;
}

/**
 * Removes the gateway's headers from a request in every form that a handler may look at. Also hides trailers, because
 * they are never signed.
 */
export function stripGatewayHeaders(request: Strippable): void {
  // Node.js makes both from `rawHeaders` when they are first read, so read them before `rawHeaders` gets shorter.
  for (const fields of [request.headers, request.headersDistinct]) {
    for (const name of Object.keys(fields ?? {})) if (isGatewayHeader(name)) delete fields?.[name];
  }
  const kept = request.rawHeaders.filter((_, at, all) => !isGatewayHeader(all[at - (at % 2)] ?? ""));
  request.rawHeaders.splice(0, request.rawHeaders.length, ...kept);
  withoutTrailers(request);
}

/** Node.js's parser assigns trailers when the body has ended. */
function ignore(_: unknown): void {}

function withoutTrailers(request: object): void {
  for (const [name, empty] of [
    ["trailers", () => ({})],
    ["trailersDistinct", () => ({})],
    ["rawTrailers", () => []],
  ] as const) {
    Object.defineProperty(request, name, { configurable: true, get: empty, set: ignore });
  }
}
