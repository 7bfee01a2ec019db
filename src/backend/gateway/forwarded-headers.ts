import { GatewayError } from "./gateway-error.ts";

/** Headers as Node.js has them, or as in Fetch. */
export type ClientHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
/** By lower-case name, as `node:http` takes them. */
export type ForwardedHeaders = Readonly<Record<string, string | readonly string[]>>;

/** These concern one connection (RFC 9110 §7.6.1), or would be added after what was signed. */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/**
 * Only the gateway may set these. The first are those of HTTP/2, such as `:path`; the last three would make a framework
 * run another route's handler.
 */
const OURS =
  /^:|^(?:x-)?vsync-|^x-fs-|^(?:signature|signature-input|accept-signature|content-digest)$|^x-(?:http-)?method(?:-override)?$/;
const CLIENT_REQUEST_ID = "x-client-request-id";
/** The signature covers these, and two readers could pick different ones of two. */
const SINGLE = ["content-type", "content-encoding", "content-length", "host"];

/**
 * The client's headers that are forwarded. Some servers turn `_` into `-`, so spelling counts as ours too.
 *
 * @throws GatewayError bad_request: a signed header came twice
 */
export function forwardedHeaders(given: ClientHeaders): ForwardedHeaders {
  const entries = entriesOf(given);
  const nominated = new Set(
    entries
      .filter(([name]) => name === "connection")
      .flatMap(([, value]) => value.toLowerCase().split(/[ \t]*,[ \t]*/)),
  );
  // Has no prototype, because a client may name a header `constructor`.
  const headers = Object.create(null) as Record<string, string | readonly string[]>;
  for (const [name, value] of entries) {
    const plain = name.replaceAll("_", "-");
    const isRespelled = plain !== name && SINGLE.includes(plain);
    if (HOP_BY_HOP.has(plain) || nominated.has(name) || OURS.test(plain) || isRespelled) continue;
    const to = plain === "x-request-id" ? CLIENT_REQUEST_ID : name;
    const before = headers[to];
    if (before !== undefined && SINGLE.includes(name)) throw new GatewayError("bad_request", `${name} came twice`);
    headers[to] = before === undefined ? value : [...[before].flat(), value];
  }
  return headers;
}

function entriesOf(given: ClientHeaders): readonly (readonly [name: string, value: string])[] {
  if (given instanceof Headers) return [...given];
  return Object.entries(given).flatMap(([name, value]) => {
    return value === undefined ? [] : [value].flat().map((it): [string, string] => [name.toLowerCase(), it]);
  });
}

/** The protocol that a client wants to upgrade to, such as WebSocket, or null. */
export function asksUpgrade(given: ClientHeaders): string | null {
  return entriesOf(given).find(([name]) => name === "upgrade")?.[1] ?? null;
}
