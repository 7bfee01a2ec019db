import { fromBase64, toBase64 } from "../../tokens/base64.ts";
import { pathOf } from "../../tokens/canonical-path.ts";
import { VerificationError } from "../verification-error.ts";
import { bytesOfHex, EMPTY_HASH, hexOf } from "./body-hash.ts";
import type { Claim, RequestToSign, SigningKey } from "./claim.ts";
import { signText } from "./ed25519.ts";
import { type RequestHeaders, singleHeader, wholeHeader } from "./request-headers.ts";

/**
 * The profile `rfc9421` of a signed request: HTTP Message Signatures (RFC 9421) with Ed25519 and Content-Digest (RFC
 * 9530), in one fixed form and order. A reader compares a request with this template instead of parsing structured
 * fields, which two readers could parse differently.
 */

/** Both the label of our signature and its tag. */
const LABEL = "vsync";
const TAG = "vsync-gateway-1";
const ALWAYS = ["@method", "@path", "@query", "vsync-request"];
/** Covered if and only if the request has them, in this order. */
const IF_PRESENT = ["vsync-context", "content-type", "content-encoding", "content-digest"] as const;

/** The lines that a signature covers (RFC 9421 §2.5). */
export function signatureBase(components: readonly (readonly [string, string])[], params: string): string {
  const lines = components.map(([name, value]) => `"${name}": ${value}`);
  return [...lines, `"@signature-params": ${params}`].join("\n");
}

/** The characters of a structured field's string here. A comma would look like a second value of the header. */
const STRING = /^[ !#-+\--[\]-~]*$/;
/** A covered value: printable ASCII, so nothing can end its line. */
const VALUE = /^[ -~]*$/;

/**
 * The headers that a gateway adds to a request. The request must be sent with exactly this `contentType` and
 * `contentEncoding`.
 *
 * @throws TypeError a value that the profile cannot represent
 */
export function signRfc9421(request: RequestToSign, key: SigningKey): Record<string, string> {
  const { requestId, created, expires, bodyHash } = request;
  const carried = {
    "vsync-request": requestField(request),
    "vsync-context": request.context,
    "content-type": request.contentType,
    "content-encoding": request.contentEncoding,
    "content-digest": bodyHash === null || bodyHash === EMPTY_HASH ? null : contentDigest(bodyHash),
  };
  const present = IF_PRESENT.filter((name) => carried[name] !== null);
  const covered = [...ALWAYS, ...present];
  const names = covered.map(quoted).join(" ");
  const params = `(${names});created=${created};expires=${expires};nonce="${requestId}";keyid="${key.kid}";alg="ed25519";tag="${TAG}"`;
  if (!INPUT.test(`${LABEL}=${params}`)) throw new TypeError("the key's id, the nonce or a time cannot be signed");
  const values = { ...derived(request.method, request.target), ...carried };
  const base = signatureBase(
    covered.map((name) => [name, values[name as keyof typeof values] ?? ""]),
    params,
  );
  const fault = Object.entries(values).find(([, value]) => value !== null && !VALUE.test(value));
  if (fault !== undefined) throw new TypeError(`${fault[0]} cannot be signed: it is not printable ASCII`);
  const { "content-type": _type, "content-encoding": _encoding, ...added } = carried;
  return {
    ...Object.fromEntries(Object.entries(added).filter((entry): entry is [string, string] => entry[1] !== null)),
    "signature-input": `${LABEL}=${params}`,
    signature: `${LABEL}=:${toBase64(signText(key, base))}:`,
  };
}

function requestField({ vault, backend, routeId }: RequestToSign): string {
  const values = [vault, backend, routeId];
  if (!values.every((value) => STRING.test(value))) throw new TypeError("the id of a vault, backend or route");
  return `vault="${vault}";backend="${backend}";route="${routeId}"`;
}

/** RFC 9421 §2.2.1, §2.2.6, §2.2.7. Without a query, `@query` is the same as for an empty query. */
function derived(method: string, target: string): Record<"@method" | "@path" | "@query", string> {
  const path = pathOf(target);
  return { "@method": method, "@path": path, "@query": target.slice(path.length) || "?" };
}

/** RFC 9530 §2. */
function contentDigest(hex: string): string {
  return `sha-256=:${toBase64(bytesOfHex(hex))}:`;
}

const quoted = (name: string): string => `"${name}"`;
const COVERED = `${ALWAYS.map(quoted).join(" ")}${IF_PRESENT.map((name) => `(?: ${quoted(name)})?`).join("")}`;
const WINDOW = "created=(?<created>[1-9]\\d{0,11});expires=(?<expires>[1-9]\\d{0,11})";
const NAMES = 'nonce="(?<nonce>[A-Za-z0-9_-]{22,64})";keyid="(?<keyid>[!#-+\\-.-[\\]-~]{1,128})"';
const INPUT = new RegExp(
  `^${LABEL}=(?<params>\\((?<covered>${COVERED})\\);${WINDOW};${NAMES};alg="ed25519";tag="${TAG}")$`,
);
const SIGNATURE = new RegExp(`^${LABEL}=:(?<bytes>[A-Za-z0-9+/]{86}==):$`);
const REQUEST = /^vault="(?<vault>[^"]*)";backend="(?<backend>[^"]*)";route="(?<route>[^"]*)"$/;
const DIGEST = /^sha-256=:(?<bytes>[A-Za-z0-9+/]{43}=):$/;

/**
 * Reads what the headers of a request claim. Verifies nothing.
 *
 * @throws VerificationError missing_signature, malformed_signature
 */
export function readRfc9421(headers: RequestHeaders): Claim {
  const signature = singleHeader(headers, "signature");
  const input = singleHeader(headers, "signature-input");
  if (!signature || !input) throw new VerificationError("missing_signature", "no signature and signature-input");
  const { params, covered, created, expires, nonce, keyid } = matched(INPUT, "signature-input", input);
  const said = singleHeader(headers, "vsync-request");
  if (said === undefined) throw new VerificationError("malformed_signature", "no vsync-request");
  const { vault, backend, route } = matched(REQUEST, "vsync-request", said);
  const values: Record<(typeof IF_PRESENT)[number], string | undefined> = {
    "vsync-context": singleHeader(headers, "vsync-context"),
    "content-type": wholeHeader(headers, "content-type"),
    "content-encoding": wholeHeader(headers, "content-encoding"),
    "content-digest": singleHeader(headers, "content-digest"),
  };
  const digest = values["content-digest"];
  const window = { created: Number(created), expires: Number(expires) };
  return {
    keyId: keyid ?? "",
    requestId: nonce ?? "",
    vault: vault ?? "",
    backend: backend ?? "",
    routeId: route ?? "",
    policyVersion: "",
    bodyHash: digest === undefined ? EMPTY_HASH : digestOf(digest),
    unsignedBody: digest === undefined,
    context: values["vsync-context"] ?? null,
    signature: bytesOf("signature", matched(SIGNATURE, "signature", signature)["bytes"]),
    signedText(method, target) {
      const all = { ...derived(method, target), "vsync-request": said, ...values };
      const present = [...ALWAYS, ...IF_PRESENT.filter((name) => values[name] !== undefined)];
      requireCoverage(covered ?? "", present);
      return signatureBase(
        present.map((name) => [name, all[name as keyof typeof all] ?? ""]),
        params ?? "",
      );
    },
    requireWindow: (atMs, maxAgeSeconds) => requireWindow(window, atMs, maxAgeSeconds),
    untilMs: (maxAgeSeconds) => Math.min(window.expires, window.created + maxAgeSeconds) * 1000,
  };
}

function matched(form: RegExp, name: string, value: string): Record<string, string> {
  const groups = form.exec(value)?.groups;
  if (groups !== undefined) return groups;
  throw new VerificationError("malformed_signature", `${name} does not have the form of the profile`);
}

function bytesOf(name: string, base64: string | undefined): Uint8Array {
  const bytes = fromBase64(base64 ?? "");
  if (bytes !== null) return bytes;
  throw new VerificationError("malformed_signature", `${name} is not base64`);
}

function digestOf(value: string): string {
  return hexOf(bytesOf("content-digest", matched(DIGEST, "content-digest", value)["bytes"]));
}

/** A header outside the signature could come from anybody; a signed one that is missing may have been removed. */
function requireCoverage(covered: string, present: readonly string[]): void {
  const signed = covered.slice(1, -1).split('" "');
  const added = present.find((name) => !signed.includes(name));
  if (added !== undefined) throw new VerificationError("bad_signature", `${added} came but was not signed`);
  const gone = signed.find((name) => !present.includes(name));
  if (gone !== undefined) throw new VerificationError("bad_signature", `${gone} was signed but did not come`);
}

/** How far a gateway's clock may be ahead of ours. */
const AHEAD_SECONDS = 30;

function requireWindow(
  { created, expires }: { created: number; expires: number },
  atMs: number,
  maxAgeSeconds: number,
): void {
  const aheadMs = created * 1000 - atMs;
  if (aheadMs > AHEAD_SECONDS * 1000) {
    throw new VerificationError("clock_skew", `it was signed ${aheadMs} ms ahead of this clock`);
  }
  if (atMs < Math.min(expires, created + maxAgeSeconds) * 1000) return;
  throw new VerificationError(
    "expired_signature",
    `it was signed ${-aheadMs} ms ago, and is valid for at most ${maxAgeSeconds} s`,
  );
}
