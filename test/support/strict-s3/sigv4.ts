import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { accessDenied, notImplemented, S3Error } from "./s3-error.ts";
import type { User } from "./users.ts";

const MAX_SKEW_MS = 15 * 60_000;
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

export interface SignedRequest {
  readonly method: string;
  /** As on the request line: encoded, with the query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

export interface SignaturePolicy {
  readonly users: readonly User[];
  readonly region: string;
  readonly nowMs: number;
}

interface Claim {
  readonly accessKeyId: string;
  readonly scope: readonly [day: string, region: string, service: string];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly time: string;
}

/**
 * Finds the sender of a request by AWS Signature Version 4 in the Authorization header.
 *
 * @throws S3Error the answer of S3 to requests that are unsigned, wrongly signed, too old or too new
 */
export function authenticate(request: SignedRequest, policy: SignaturePolicy): User {
  const claim = readClaim(request.headers);
  const user = policy.users.find((candidate) => candidate.accessKeyId === claim.accessKeyId);
  if (user === undefined) {
    throw new S3Error(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
  }
  checkScope(claim, policy.region);
  checkTime(claim.time, policy.nowMs);
  const expected = sign(canonicalRequest(request, claim), claim, user.secretAccessKey);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(claim.signature))) {
    throw new S3Error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match yours.");
  }
  if (request.headers["x-amz-security-token"] !== user.sessionToken) {
    throw new S3Error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
  }
  return user;
}

/**
 * @throws S3Error if the body is not the one that was signed
 */
export function checkPayload(headers: IncomingHttpHeaders, body: Uint8Array): void {
  const claimed = headers["x-amz-content-sha256"];
  if (claimed === "UNSIGNED-PAYLOAD") return;
  if (typeof claimed !== "string" || !/^[0-9a-f]{64}$/.test(claimed)) throw notImplemented("This payload signature");
  if (createHash("sha256").update(body).digest("hex") !== claimed) {
    throw new S3Error(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match.");
  }
}

/**
 * @throws S3Error if the body's digest is missing or wrong
 */
export function checkDigest({
  method,
  headers,
  body,
}: Pick<SignedRequest, "method" | "headers"> & { readonly body: Uint8Array }): void {
  if (method !== "PUT") return;
  const said = [headers["content-md5"], headers["x-amz-checksum-sha256"]];
  if (said.every((digest) => digest === undefined)) {
    const message =
      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";
    throw new S3Error(400, "InvalidRequest", message);
  }
  const right = ["md5", "sha256"].map((name) => createHash(name).update(body).digest("base64"));
  if (said.some((digest, at) => digest !== undefined && digest !== right[at])) {
    throw new S3Error(400, "BadDigest", "The digest you specified did not match what we received.");
  }
}

function readClaim(headers: IncomingHttpHeaders): Claim {
  if (headers.authorization === undefined) throw accessDenied();
  const [, accessKeyId, day, region, service, names, signature] = AUTHORIZATION.exec(headers.authorization) ?? [];
  const time = headers["x-amz-date"];
  if (!accessKeyId || !day || !region || !service || !names || !signature || typeof time !== "string") {
    throw new S3Error(400, "AuthorizationHeaderMalformed", "The authorization header is malformed.");
  }
  const signedHeaders = names.split(";");
  const mustBeSigned = ["host", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  if (!mustBeSigned.every((name) => signedHeaders.includes(name))) throw accessDenied();
  return { accessKeyId, scope: [day, region, service], signedHeaders, signature, time };
}

function checkScope({ scope: [day, region, service], time }: Claim, expectedRegion: string): void {
  if (service === "s3" && region === expectedRegion && time.startsWith(day)) return;
  const message = `The authorization header is malformed; the region '${region}' is wrong; expecting '${expectedRegion}'`;
  throw new S3Error(400, "AuthorizationHeaderMalformed", message, {
    fields: { Region: expectedRegion },
    headers: { "x-amz-bucket-region": expectedRegion },
  });
}

function checkTime(time: string, nowMs: number): void {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const requestMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Math.abs(requestMs - nowMs) <= MAX_SKEW_MS) return;
  const message = "The difference between the request time and the current time is too large.";
  throw new S3Error(403, "RequestTimeTooSkewed", message, {
    fields: {
      RequestTime: time,
      ServerTime: new Date(nowMs).toISOString(),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
    },
  });
}

function canonicalRequest({ method, target, headers }: SignedRequest, { signedHeaders }: Claim): string {
  const [path = "", query = ""] = target.split("?", 2);
  const lines = signedHeaders.map((name) => `${name}:${[headers[name]].flat().join(",").trim().replace(/ +/g, " ")}\n`);
  return [
    method,
    path.split("/").map(recode).join("/"),
    canonicalQuery(query),
    lines.join(""),
    signedHeaders.join(";"),
    String(headers["x-amz-content-sha256"]),
  ].join("\n");
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter((pair) => pair !== "");
  const recoded = pairs.map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [recode(name), recode(value.join("="))] as const;
  });
  const byName = recoded.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return byName.map(([name, value]) => `${name}=${value}`).join("&");
}

/** S3 signs the one encoding that leaves only unreserved characters, independent of the client's choice. */
function recode(text: string): string {
  return encodeURIComponent(decodeURIComponent(text)).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sign(canonical: string, { scope, time }: Claim, secretAccessKey: string): string {
  const digest = createHash("sha256").update(canonical).digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", time, [...scope, "aws4_request"].join("/"), digest].join("\n");
  let key: Uint8Array = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of [...scope, "aws4_request"]) key = createHmac("sha256", key).update(part).digest();
  return createHmac("sha256", key).update(toSign).digest("hex");
}
