const MAX_PATH_BYTES = 2048;
/** The characters that RFC 3986 §3.3 allows in a path, except `;`, at which some servers cut. */
const CHARACTERS = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-F]{2})*$/;
/**
 * Encoded characters that servers read differently: unreserved ones (RFC 3986 §2.3), control characters, and `/ \ % ; ?
 * #`.
 */
const ENCODED_FOR_NO_GOOD =
  /%(?:2D|2E|3[0-9]|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A]|7E|[01][0-9A-F]|7F|2F|5C|25|3B|3F|23)/;

/**
 * Whether a path, without its query, has the one spelling that every server reads alike. Other spellings never match a
 * route or a restricted path, because the server behind might read them as a forbidden one.
 */
export function isCanonicalPath(path: string): boolean {
  if (path.length > MAX_PATH_BYTES || !path.startsWith("/") || path.includes("//")) return false;
  if (!CHARACTERS.test(path) || ENCODED_FOR_NO_GOOD.test(path)) return false;
  if (path.split("/").some((segment) => segment === "." || segment === "..")) return false;
  return !path.includes("%") || decodesCleanly(path);
}

function decodesCleanly(path: string): boolean {
  try {
    const decoded = decodeURIComponent(path);
    return !/\p{Cc}/u.test(decoded) && decoded.normalize("NFKC") === decoded;
  } catch {
    return false;
  }
}

/** The path of a request target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}
