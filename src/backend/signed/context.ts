import { isObject } from "../../canonical-json.ts";
import { fromBase64Url, toBase64Url } from "../../tokens/base64.ts";
import { VerificationError } from "../verification-error.ts";

/** The user on whose behalf the gateway passes a request on. */
export interface SignedContext {
  readonly subject: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

const MAX_BYTES = 4096;

/**
 * Encodes the header `vsync-context`: base64url of JSON.
 *
 * @throws TypeError it has more than 4 KiB, or no subject
 */
export function encodeContext({ subject, claims }: SignedContext): string {
  if (typeof subject !== "string" || subject === "") throw new TypeError("a context has a subject");
  const text = JSON.stringify({ subject, ...(claims === undefined ? {} : { claims }) });
  const encoded = toBase64Url(new TextEncoder().encode(text));
  if (encoded.length > MAX_BYTES)
    throw new TypeError(`a context has at most ${MAX_BYTES} bytes, not ${encoded.length}`);
  return encoded;
}

/**
 * @throws VerificationError context_unverified: the gateway signed something that is not a context
 */
export function parseContext(header: string): SignedContext {
  const json = header.length <= MAX_BYTES ? fromBase64Url(header) : null;
  const parsed = json === null ? null : parseJson(json);
  if (!isObject(parsed)) throw notAContext();
  const { subject, claims, ...others } = parsed;
  if (typeof subject !== "string" || subject === "" || Object.keys(others).length > 0) throw notAContext();
  if (claims === undefined) return { subject };
  if (!isObject(claims)) throw notAContext();
  return { subject, claims };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

function notAContext(): VerificationError {
  return new VerificationError("context_unverified", "vsync-context is not {subject, claims?}");
}
