import { VerificationError } from "../verification-error.ts";

/** Headers as in Fetch or Node.js: names in any case, `string[]` for a header that came several times. */
export type RequestHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The value of a header that the gateway sets. Servers join, drop or keep duplicates, so two readers could see
 * different values.
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
  if (headers instanceof HeaderLines) return headers.lines.get(name) ?? [];
  if (isFetchHeaders(headers)) {
    const value = headers.get(name);
    return value === null ? [] : [value];
  }
  return new HeaderLines(headers).lines.get(name) ?? [];
}

/** Headers by lower-case name, for many look-ups. */
class HeaderLines {
  readonly lines = new Map<string, string[]>();
  /** Tells this class from Fetch's Headers, which have `get`. */
  readonly get = undefined;

  constructor(headers: Readonly<Record<string, string | readonly string[] | undefined>>) {
    for (const [key, value] of Object.entries(headers)) {
      if (value === undefined) continue;
      const [name, known] = [key.toLowerCase(), typeof value === "string" ? [value] : value];
      const before = this.lines.get(name);
      this.lines.set(name, before === undefined ? [...known] : [...before, ...known]);
    }
  }
}

/** The same headers, faster to look up. */
export function indexedHeaders(headers: RequestHeaders): RequestHeaders {
  if (headers instanceof HeaderLines || isFetchHeaders(headers)) return headers;
  return new HeaderLines(headers) as unknown as RequestHeaders;
}

function isFetchHeaders(headers: RequestHeaders): headers is { get(name: string): string | null } {
  return typeof headers["get"] === "function";
}
