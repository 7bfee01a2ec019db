/** Why a prefix is refused, as the end of a message; null for a valid one such as `api/prod/`. */
export function prefixFault(prefix: string): string | null {
  if (!prefix.endsWith("/")) return "must end in /";
  for (const segment of prefix.slice(0, -1).split("/")) {
    if (segment === "") return "must not have an empty segment";
    if (segment === "." || segment === "..") return `must not have a segment ${segment}`;
  }
  return null;
}

/** Why the name of a KMS key is refused, as the end of a message; null for a valid one. It goes into a header. */
export function kmsKeyFault(key: string): string | null {
  return /^[\x21-\x7e]{1,2048}$/.test(key) ? null : "must be printable ASCII without spaces";
}

/** Why an endpoint is refused, as the end of a message; null for a valid one. */
export function endpointFault(endpoint: string): string | null {
  if (!/^(?:https?:\/\/[^/]|file:\/\/\/.)/.test(endpoint)) return "must start with https://, http:// or file:///";
  if (endpoint.endsWith("/")) return "must not end in /";
  return URL.canParse(endpoint) ? null : "is not a URL";
}
