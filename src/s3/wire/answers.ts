import { AccessDeniedError, S3UnreachableError } from "../../errors.ts";
import { OversizedAnswerError } from "./bodies.ts";
import { datedMs } from "./dates.ts";
import {
  type Answer,
  again,
  answerIn,
  type Failure,
  final,
  type Inquiry,
  later,
  NoEtagError,
  NoListingError,
  printable,
  unreachable,
  WebPageError,
} from "./failure.ts";
import { CredentialsError } from "./keys.ts";
import { readNetworkFailure } from "./network.ts";

/** S3 refuses a request whose date is further from its own clock. */
const ACCEPTED_SKEW_MS = 15 * 60_000;

/** RFC 6585 §6. */
const NETWORK_AUTHENTICATION_REQUIRED = 511;

const CHECK_ENDPOINT = "check that the endpoint is an S3 service";
const CHECK_GATEWAY = "check the endpoint and HTTPS_PROXY, or try again later";
const SIGN_IN = "sign in to the network if it asks for that in a browser, and check the endpoint and HTTPS_PROXY";

/** Classifies the failure of one request. Every quirk of every server has its case here or in `network.ts`. */
export function readFailure(error: unknown, inquiry: Inquiry): Failure {
  if (error instanceof WebPageError) return webPage(inquiry);
  if (error instanceof NoEtagError) return notS3(inquiry, "without an ETag");
  if (error instanceof NoListingError) return notS3(inquiry, "200, but not with a listing");
  if (error instanceof OversizedAnswerError) return notS3(inquiry, `with more than ${error.maxBytes} bytes`);
  if (error instanceof CredentialsError) return final(error.toStoreError(inquiry.action));
  const answer = answerIn(error);
  if (answer === undefined) return readNetworkFailure(error, inquiry);
  if (answer.isTlsOnly) {
    const hint = `give the endpoint as https://${inquiry.host}`;
    return final(unreachable(inquiry, `${inquiry.host} accepts only TLS`, hint));
  }
  // If a gateway shows its own error page because the server did not respond, the server's state stays unknown.
  if (answer.isWebPage && (answer.status < 500 || answer.status === NETWORK_AUTHENTICATION_REQUIRED))
    return webPage(inquiry);
  return byCode(answer, inquiry) ?? byStatus(answer, inquiry);
}

/** Something on the way answered instead of the store, as a captive portal does. */
export class StrangerAnsweredError extends S3UnreachableError {}

/** A class of its own, for callers who can ask for another bucket or region. */
export class NoSuchBucketError extends S3UnreachableError {}
export class WrongRegionError extends S3UnreachableError {}

function webPage(inquiry: Inquiry): Failure {
  const message = `cannot ${inquiry.action}: ${inquiry.host} answered with a web page (HTML), as captive portals and proxies do`;
  const error = new StrangerAnsweredError(message, { hint: SIGN_IN });
  return { kind: "other", isTransient: false, effect: "unknown", error };
}

function notS3(inquiry: Inquiry, how: string): Failure {
  const error = unreachable(inquiry, `${inquiry.host} answered ${how}`, CHECK_ENDPOINT);
  return { kind: "other", isTransient: false, effect: "unknown", error };
}

function byCode(answer: Answer, inquiry: Inquiry): Failure | undefined {
  switch (answer.code) {
    case "NoSuchBucket": // a 404 like that of a missing key
      return final(noSuchBucket(inquiry));
    case "AuthorizationHeaderMalformed": // AWS: 400 where the signature names another region than the bucket's
    case "PermanentRedirect": // AWS: 301 by an endpoint of another region
    case "TemporaryRedirect": // AWS: 307 while a new bucket's name spreads
    case "IllegalLocationConstraintException":
      return final(wrongRegion(answer, inquiry));
    case "RequestTimeTooSkewed":
      return final(skewedClock(answer, inquiry));
    case "InvalidAccessKeyId":
      return final(denied(inquiry, "the server does not know the access key", "check the access key id"));
    case "SignatureDoesNotMatch":
      return final(denied(inquiry, "the secret key does not belong to the access key", "check the secret access key"));
    case "ExpiredToken": // AWS: 400
    case "TokenRefreshRequired":
      return final(denied(inquiry, "the session token has expired", "get new temporary credentials"));
    case "InvalidToken": // AWS: 400
      return final(denied(inquiry, "the server does not accept the session token", "get new temporary credentials"));
    case "SlowDown": // 503, or 429 elsewhere: turned away at the door, unlike every other 5xx
    case "TooManyRequests":
      return later(answered(answer, inquiry));
    case "RequestTimeout": // 400: the server waited too long for the body
      return again(answered(answer, inquiry));
    case "NotImplemented":
      return final(lacking(inquiry));
    default:
      return undefined;
  }
}

function byStatus(answer: Answer, inquiry: Inquiry): Failure {
  const { status } = answer;
  const error = answered(answer, inquiry);
  if (status === 404) return { kind: "absent", isTransient: false, effect: "none", error };
  if (status === 412) return { kind: "unmet", isTransient: false, effect: "none", error };
  // ConditionalRequestConflict (AWS), ConcurrentModification (Ceph), OperationAborted: lost a race, nothing was
  // written.
  if (status === 409) return { kind: "contended", isTransient: true, effect: "none", error };
  if (status === 401 || status === 403)
    return final(isSkewed(answer, inquiry) ? skewedClock(answer, inquiry) : refused(answer, inquiry));
  if (status === 429) return later(error);
  if (status === 408) return again(error);
  // For a HEAD, only this header says what the bodies of 301 and 400 say.
  if (status < 500 && isElsewhere(answer, inquiry)) return final(wrongRegion(answer, inquiry));
  // AWS answers a HEAD with an expired token like this; a GET gets ExpiredToken.
  if (status === 400 && answer.code === "" && inquiry.mayExpire) return final(staleToken(inquiry));
  // A proxy that gave up does not know what the server behind it is still doing.
  if (status === 502 || status === 504) return { kind: "other", isTransient: true, effect: "pending", error };
  // A HEAD has no body to say SlowDown in. A gateway's own page does not count: there may be no server behind it.
  const isThrottled = status === 503 && answer.code === "" && !answer.isWebPage;
  // The only 5xx that says that nothing was done (RFC 9110 §15.6.2).
  if (status === 501) return final(answer.isWebPage ? error : lacking(inquiry));
  if (status === 400 && /\bif-(none-)?match\b/i.test(answer.said)) return final(lacking(inquiry));
  // The server may have failed after the write.
  if (status >= 500) return { kind: "other", isTransient: true, effect: "unknown", error, isThrottled };
  return { kind: "other", isTransient: false, effect: status < 300 ? "unknown" : "none", error };
}

function answered(answer: Answer, inquiry: Inquiry) {
  const said = `${inquiry.host} answered ${answer.status}`;
  if (answer.isWebPage)
    return unreachable(inquiry, `${said} with a web page (HTML), as proxies do when a server fails`, CHECK_GATEWAY);
  const hint = answer.status < 500 ? CHECK_ENDPOINT : "try again later";
  return unreachable(inquiry, `${said}${wordsOf(answer, " ")}`, hint);
}

/** Sent by servers that know If-Match and If-None-Match but do not implement them. */
function lacking(inquiry: Inquiry) {
  const hint = "use a store with conditional writes";
  return unreachable(inquiry, `${inquiry.host} does not implement this request`, hint);
}

const SENTENCE_LENGTH = 240;

/** The server's code and message, after `before`; empty if it sent neither. */
function wordsOf({ code, said }: Answer, before: string): string {
  const sentence = printable(said, SENTENCE_LENGTH).replace(/\.$/, "");
  const isSame = sentence.replaceAll(" ", "").toLowerCase() === code.toLowerCase();
  const words = [printable(code), isSame ? "" : sentence].filter((text) => text !== "");
  return words.length === 0 ? "" : before + words.join(": ");
}

function noSuchBucket({ action, host, bucket }: Inquiry) {
  return new NoSuchBucketError(`cannot ${action}: ${host} has no bucket ${bucket}`, {
    hint: "check the bucket's name and the endpoint",
  });
}

function isElsewhere({ status, headers }: Answer, { region }: Inquiry): boolean {
  const named = headers["x-amz-bucket-region"];
  return (status >= 300 && status < 400) || (status >= 400 && named !== undefined && named !== region);
}

function wrongRegion({ headers, regionField, endpointField }: Answer, inquiry: Inquiry) {
  const { action, bucket, region, host } = inquiry;
  const wrong = (reason: string, hint: string) => new WrongRegionError(`cannot ${action}: ${reason}`, { hint });
  const right = printable(headers["x-amz-bucket-region"] ?? regionField ?? "");
  if (right === "" || right === region) {
    const target = printable(hostIn(headers["location"]) ?? endpointField ?? "");
    if (target !== "" && target !== host) {
      return wrong(`${host} redirects to ${target}`, "check the region, or give the endpoint of the bucket's region");
    }
    return wrong(`bucket ${bucket} is not in region ${region}`, "check the region and the endpoint");
  }
  return wrong(`bucket ${bucket} is in region ${right}, not in ${region}`, `set the region to ${right}`);
}

function hostIn(location: string | undefined): string | undefined {
  return location !== undefined && URL.canParse(location) ? new URL(location).host : undefined;
}

/** The response to a HEAD cannot say RequestTimeTooSkewed, but it has a date. */
function isSkewed(answer: Answer, { nowMs }: Inquiry): boolean {
  const serverMs = datedMs(answer);
  return answer.code === "" && serverMs !== null && Math.abs(serverMs - nowMs) > ACCEPTED_SKEW_MS;
}

function skewedClock({ headers, serverTimeField }: Answer, inquiry: Inquiry) {
  const serverMs = Date.parse(serverTimeField ?? headers["date"] ?? "");
  const theirs = Number.isNaN(serverMs) ? "something else" : new Date(serverMs).toISOString();
  const ours = new Date(inquiry.nowMs).toISOString();
  return denied(inquiry, `this machine's clock says ${ours}, the server's ${theirs}`, "correct this machine's clock");
}

function staleToken(inquiry: Inquiry) {
  return denied(inquiry, "the session token has expired or is not accepted", "get new temporary credentials");
}

function refused(answer: Answer, inquiry: Inquiry) {
  const hint = /\bkms:/i.test(answer.said)
    ? "let these credentials use the bucket's KMS key: vsync policy --kms-key=<arn> prints what they need"
    : "check what the access key may do: `vsync policy --role=operator` prints what it needs, --role=reader what an app needs";
  const words = wordsOf(answer, ": ").replace(/^: AccessDenied(: |$)/, "$1");
  return denied(inquiry, `access denied${words}`, hint);
}

function denied({ action }: Inquiry, reason: string, hint: string): AccessDeniedError {
  return new AccessDeniedError(`cannot ${action}: ${reason}`, { hint });
}
