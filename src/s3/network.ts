import { AccessDeniedError } from "../errors.ts";
import { again, type Failure, final, type Inquiry, printable, unreachable } from "./failure.ts";
import { ConnectTimeoutError, isConnectFailure } from "./options.ts";
import { TimeLimitError } from "./time-limit.ts";

const CHECK_NETWORK = "check the endpoint and this machine's network";
const AMBIENT = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role";
const TRUST = "check the endpoint, or trust its authority with NODE_EXTRA_CA_CERTS";
const CLOSED = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ERR_SOCKET_CLOSED", "ERR_STREAM_PREMATURE_CLOSE"]);

/** The body ended before its Content-Length. */
export class TruncatedBodyError extends Error {}

/** What the network, TLS or the SDK's own chain of credentials reported instead of an answer. */
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
  // Of os.homedir(), for a user that passwd(5) does not know: the SDK's chain looks for a profile there.
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
    case "EAI_AGAIN": // no name server answers, which may pass
      return again(unreachable(inquiry, `the name ${host} does not resolve now`, CHECK_NETWORK));
    case "ECONNREFUSED":
      return again(unreachable(inquiry, `${host} refuses connections`, CHECK_NETWORK));
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "EADDRNOTAVAIL":
      return again(unreachable(inquiry, `no route to ${host}`, CHECK_NETWORK));
    case "EPROTO": // OpenSSL: what came back is not TLS
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

/** Whether the connection stood decides what a write may have done; the code, which is mostly ECONNRESET, does not. */
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
