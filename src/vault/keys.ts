/** The keys of a vault's objects, below its prefix (`docs/format.md` §1). */

export const MANIFEST_KEY = "manifest";
export const AUDIT_PREFIX = "audit/";
export const BUNDLE_PREFIX = "v=";

export function bundleKey(ts: string): string {
  return BUNDLE_PREFIX + ts;
}

/** `audit/` and twelve digits. */
export function auditKey(gen: number): string {
  return AUDIT_PREFIX + String(gen).padStart(12, "0");
}

/** The generation of an audit row's key, or null where it is none. */
export function generationOfAuditKey(key: string): number | null {
  const digits = /^audit\/(\d{12})$/.exec(key)?.[1];
  return digits === undefined ? null : Number(digits);
}
