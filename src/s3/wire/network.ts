import { ConnectTimeoutError, UnsentError } from "./exchange.ts";
import { again, type Failure, final, type Inquiry, printable, unreachable } from "./failure.ts";
import { TimeLimitError } from "./time-limit.ts";

const CHECK_NETWORK = "check the endpoint and this machine's network";
const CHECK_PROXY = "check HTTPS_PROXY, or name the store in NO_PROXY to go there directly";
const TRUST = "check the endpoint, or trust its authority: AWS_CA_BUNDLE=<file> or NODE_EXTRA_CA_CERTS=<file>";
const CLOSED = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ERR_SOCKET_CLOSED", "ERR_STREAM_PREMATURE_CLOSE"]);

/** The body ended before its Content-Length. */
export class TruncatedBodyError extends Error {}

/** Classifies a failure of the network or of TLS. */
export function readNetworkFailure(error: unknown, inquiry: Inquiry): Failure {
  const { host } = inquiry;
  if (error instanceof TimeLimitError) return lost(inquiry, `${host} did not answer within ${seconds(error.limitMs)}`);
  if (error instanceof TruncatedBodyError) return lost(inquiry, `${host} sent only a part of it`);
  if (error instanceof UnsentError) return byConnecting(error.cause, inquiry);
  const code = codeOf(error);
  const said = printable(code === "" ? nameOf(error) : code);
  return (
    byProtocol(code, inquiry) ??
    lost(inquiry, CLOSED.has(code) ? `${host} closed the connection` : `the request failed (${said})`)
  );
}

/** Nothing was sent. */
function byConnecting(error: unknown, inquiry: Inquiry): Failure {
  const { host } = inquiry;
  if (error instanceof ConnectTimeoutError) {
    return again(unreachable(inquiry, `no connection to ${host} within ${seconds(error.limitMs)}`, CHECK_NETWORK));
  }
  const proxy = proxyBehind(error, inquiry);
  if (proxy !== null) return proxyFailure(error, proxy, inquiry);
  const code = codeOf(error);
  const said = printable(code === "" ? nameOf(error) : code);
  return (
    byNetworkCode(code, inquiry) ??
    byProtocol(code, inquiry) ??
    again(unreachable(inquiry, `no connection to ${host} (${said})`, CHECK_NETWORK))
  );
}

/** The proxy, if the failure was the proxy's; else null. */
function proxyBehind(error: unknown, { network }: Inquiry): URL | null {
  const { hostname, port } = detailsOf(error);
  const isTunnel = codeOf(error) === "ERR_PROXY_TUNNEL";
  for (const url of Object.values(network?.proxies ?? {})) {
    if (!/^https?:/i.test(url) || !URL.canParse(url)) continue;
    const proxy = new URL(url);
    const isSame = hostname === proxy.hostname && (port === undefined || port === portOf(proxy));
    if (isTunnel || isSame) return proxy;
  }
  return null;
}

function proxyFailure(error: unknown, proxy: URL, inquiry: Inquiry): Failure {
  const name = `the proxy ${proxy.host}`;
  const [, status] = /HTTP\/[\d.]+ (\d{3}[^\r\n]*)/.exec(error instanceof Error ? error.message : "") ?? [];
  if (status?.startsWith("407")) {
    const hint = "put its user and password into HTTPS_PROXY: http://<user>:<password>@<host>:<port>";
    return final(unreachable(inquiry, `${name} requires a user and a password (${printable(status)})`, hint));
  }
  const said = status === undefined ? printable(codeOf(error)) : `it answered ${printable(status)}`;
  return again(unreachable(inquiry, `${name} does not connect to ${inquiry.host} (${said})`, CHECK_PROXY));
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

function byNetworkCode(code: string, inquiry: Inquiry): Failure | undefined {
  const { host } = inquiry;
  switch (code) {
    case "ENOTFOUND":
      return final(unreachable(inquiry, `the name ${host} does not resolve`, CHECK_NETWORK));
    case "EAI_AGAIN": // no name server answers, for now
      return again(unreachable(inquiry, `the name ${host} does not resolve now`, CHECK_NETWORK));
    case "ECONNREFUSED":
      return again(unreachable(inquiry, `${host} refuses connections`, CHECK_NETWORK));
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "EADDRNOTAVAIL":
      return again(unreachable(inquiry, `no route to ${host}`, CHECK_NETWORK));
    default:
      return undefined;
  }
}

function byProtocol(code: string, inquiry: Inquiry): Failure | undefined {
  const { host } = inquiry;
  switch (code) {
    case "EPROTO": // OpenSSL: the answer is not TLS
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return final(
        unreachable(inquiry, `${host} does not speak TLS (${code})`, "check whether the endpoint is http://"),
      );
    default:
      if (isCertificateCode(code))
        return final(unreachable(inquiry, `the certificate of ${host} is not trusted (${code})`, TRUST));
      if (code.startsWith("HPE_"))
        return final(unreachable(inquiry, `${host} does not speak HTTP`, "check the endpoint"));
      return undefined;
  }
}

function isCertificateCode(code: string): boolean {
  return /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH)/.test(code);
}

function lost(inquiry: Inquiry, reason: string): Failure {
  return { kind: "other", isTransient: true, effect: "pending", error: unreachable(inquiry, reason, CHECK_NETWORK) };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** What the system could not connect to. */
function detailsOf(error: unknown): { readonly hostname?: string; readonly port?: number } {
  const { hostname, address, port } = error as { hostname?: string; address?: string; port?: number };
  const name = hostname ?? address;
  return { ...(name !== undefined && { hostname: name }), ...(port !== undefined && { port }) };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
