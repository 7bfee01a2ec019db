import { DAY_MS } from "../../durations.ts";

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

export const LAST_AUDIT_KEY = auditKey(999_999_999_999);

/** The generation of an audit row's key, or null for any other key. */
export function generationOfAuditKey(key: string): number | null {
  const digits = /^audit\/(\d{12})$/.exec(key)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Whether it is of a proof of the bucket (docs/s3.md), which a store that failed meanwhile may still have. */
export function isProbeKey(key: string): boolean {
  return /^probe-[0-9a-f]{16}\/(?:single|raced)$/.test(key);
}

/** `<ts>` of a bundle's key: `YYYYMMDDTHHMMSSmmmZ`, which sorts by time. */

const TS = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(\d{3})Z$/;

/** ISO 8601 writes later years with a sign and six digits, which this format does not allow. */
export const LAST_INSTANT_MS = Date.parse("9999-12-31T23:59:59.999Z");

export function formatTs(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[-:.]/g, "");
}

/** Milliseconds since the epoch, or null if the text is not a `<ts>` or the instant does not exist. */
export function parseTs(ts: string): number | null {
  const match = TS.exec(ts);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, millisecond] = match;
  const epochMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}Z`);
  return !Number.isNaN(epochMs) && formatTs(epochMs) === ts ? epochMs : null;
}

/** If a manifest is further ahead of now, the clock that wrote it was wrong. */
export const MAX_AHEAD_MS = DAY_MS;

/**
 * The first `<ts>` that a commit tries: max(now, the manifest's + 1 ms). A manifest from too far ahead does not count:
 * otherwise one commit by a clock near the year 9999 would make the vault unwritable.
 */
export function firstTsMs(nowMs: number, manifestTs: string | null): number {
  const after = manifestTs === null ? null : parseTs(manifestTs);
  return after === null || after - nowMs > MAX_AHEAD_MS ? nowMs : Math.max(nowMs, after + 1);
}
