import { type ClientRequestArgs, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import { AccessDeniedError } from "../errors.ts";
import { again, type Failure, final, type Inquiry, printable, unreachable } from "./failure.ts";
import { TimeLimitError } from "./time-limit.ts";

const CHECK_NETWORK = "check the endpoint and this machine's network";
const AMBIENT = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role";
const TRUST = "check the endpoint, or trust its authority with NODE_EXTRA_CA_CERTS";
const CLOSED = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ERR_SOCKET_CLOSED", "ERR_STREAM_PREMATURE_CLOSE"]);

/** The body ended before its Content-Length. */
export class TruncatedBodyError extends Error {}

/** Reads a failure of the network, of TLS or of the SDK's credential chain. */
export function readNetworkFailure(error: unknown, inquiry: Inquiry): Failure {
  const { host } = inquiry;
  const code = codeOf(error);
  if (error instanceof TimeLimitError) return lost(inquiry, `${host} did not answer within ${seconds(error.limitMs)}`);
  if (error instanceof TruncatedBodyError) return lost(inquiry, `${host} sent only a part of it`);
  if (error instanceof ConnectTimeoutError) {
    return again(unreachable(inquiry, `no connection to ${host} within ${seconds(error.limitMs)}`, CHECK_NETWORK));
  }
  if (nameOf(error) === "CredentialsProviderError") {
    return final(
      new AccessDeniedError(`cannot ${inquiry.action}: no ambient credentials on this machine`, { hint: AMBIENT }),
    );
  }
  // From os.homedir(), for a user that passwd(5) does not know: the SDK's chain looks for a profile there.
  if (code === "ERR_SYSTEM_ERROR") {
    return final(
      new AccessDeniedError(`cannot ${inquiry.action}: this user has no home to look for ambient credentials in`, {
        hint: "set HOME, to a folder without .aws where the credentials come from elsewhere",
      }),
    );
  }
  return byNetworkCode(code, inquiry) ?? byPhase(error, code, inquiry);
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

/** The outcome of a write depends on whether the connection was open, not on the code, which is mostly ECONNRESET. */
function byPhase(error: unknown, code: string, inquiry: Inquiry): Failure {
  const said = printable(code === "" ? nameOf(error) : code);
  if (isConnectFailure(error))
    return again(unreachable(inquiry, `no connection to ${inquiry.host} (${said})`, CHECK_NETWORK));
  return lost(inquiry, CLOSED.has(code) ? `${inquiry.host} closed the connection` : `the request failed (${said})`);
}

function lost(inquiry: Inquiry, reason: string): Failure {
  return { kind: "other", isTransient: true, effect: "pending", error: unreachable(inquiry, reason, CHECK_NETWORK) };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

const failedConnecting = new WeakSet<object>();

/** Whether the failure came before the connection, so nothing was sent. */
function isConnectFailure(error: unknown): boolean {
  return typeof error === "object" && error !== null && failedConnecting.has(error);
}

/** No connection in time: name resolution, TCP or TLS took too long. */
class ConnectTimeoutError extends Error {
  readonly code = "CONNECT_TIMEOUT";
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no connection within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

type Connect = (options: ClientRequestArgs, done?: Done) => Duplex | null | undefined;
type Done = (error: Error | null, stream: Duplex) => void;

/** Agents that stop connecting after `limitMs`, and remember the failures that came before the connection stood. */
export function connectingAgents(limitMs: number): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true });
  httpAgent.createConnection = watched(httpAgent.createConnection.bind(httpAgent), "connect", limitMs);
  httpsAgent.createConnection = watched(httpsAgent.createConnection.bind(httpsAgent), "secureConnect", limitMs);
  return { httpAgent, httpsAgent };
}

function watched(connect: Connect, ready: "connect" | "secureConnect", limitMs: number): Connect {
  return (options, done) => {
    const socket = connect(options, done);
    if (socket) watch(socket, ready, limitMs);
    return socket;
  };
}

function watch(socket: Duplex, ready: string, limitMs: number): void {
  const timer = setTimeout(() => socket.destroy(new ConnectTimeoutError(limitMs)), limitMs);
  const onError = (error: Error): void => void failedConnecting.add(error);
  socket.once("error", onError);
  socket.once("close", () => clearTimeout(timer));
  socket.once(ready, () => {
    clearTimeout(timer);
    socket.removeListener("error", onError);
  });
}
