import type { Version } from "../vault/ports.ts";

/** Some servers write the ETag in quotes here and without them there. */
export function isSameVersion(a: Version, b: Version): boolean {
  return withoutQuotes(a) === withoutQuotes(b);
}

/** The same ETag in the other spelling: without its quotes, or with them where it had none. */
export function respelled(version: Version): Version {
  return withoutQuotes(version) === version ? `"${version}"` : withoutQuotes(version);
}

function withoutQuotes(version: Version): Version {
  return /^"(.*)"$/s.exec(version)?.[1] ?? version;
}
