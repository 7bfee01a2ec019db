import { VerificationError } from "../verification-error.ts";

/** Headers as Fetch has them, or Node.js: names in any case, `string[]` for one that came several times. */
export type RequestHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The value of a header that the gateway sets. Servers join, drop or keep the doubles of a header, so two of them would
 * mean different things to two readers.
 *
 * @throws VerificationError malformed_signature: it came twice, or as a list
 */
export function singleHeader(headers: RequestHeaders, name: string): string | undefined {
  const value = wholeHeader(headers, name);
  if (!value?.includes(",")) return value;
  throw new VerificationError("malformed_signature", `${name} came as a list`);
}

/**
 * The value of a header that may be a list, on one line.
 *
 * @throws VerificationError malformed_signature: it came twice
 */
export function wholeHeader(headers: RequestHeaders, name: string): string | undefined {
  const [value, ...others] = valuesOf(headers, name);
  if (others.length === 0) return value;
  throw new VerificationError("malformed_signature", `${name} came more than once`);
}

function valuesOf(headers: RequestHeaders, name: string): readonly string[] {
  if (isFetchHeaders(headers)) {
    const value = headers.get(name);
    return value === null ? [] : [value];
  }
  return Object.entries(headers).flatMap(([key, value]) => {
    return key.toLowerCase() === name && value !== undefined ? value : [];
  });
}

function isFetchHeaders(headers: RequestHeaders): headers is { get(name: string): string | null } {
  return typeof headers["get"] === "function";
}
