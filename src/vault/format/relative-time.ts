import { DAY_MS, HOUR_MS } from "../../durations.ts";

const UNITS = [
  { name: "s", ms: 1_000, upTo: 60 },
  { name: "min", ms: 60_000, upTo: 60 },
  { name: "h", ms: HOUR_MS, upTo: 48 },
  { name: "days", ms: DAY_MS, upTo: 60 },
  { name: "months", ms: 30.44 * DAY_MS, upTo: 24 },
  { name: "years", ms: 365.25 * DAY_MS, upTo: Number.POSITIVE_INFINITY },
] as const;

const SAME_CLOCK_MS = 60_000;

/** `3 min ago` for what has happened. A writer's clock may be ahead; less than a minute counts as now. */
export function timeAgo(instant: string, nowMs: number): string {
  const atMs = Date.parse(instant);
  if (atMs - nowMs >= SAME_CLOCK_MS) return `${relativeTime(instant, nowMs).replace("in ", "")} ahead of this clock`;
  return relativeTime(instant, Math.max(atMs, nowMs));
}

/** `3 min ago`, or `in 3 min`; empty if `instant` is not a date. */
export function relativeTime(instant: string, nowMs: number): string {
  const distanceMs = nowMs - Date.parse(instant);
  if (Number.isNaN(distanceMs)) return "";
  const unit = UNITS.find(({ ms, upTo }) => Math.abs(distanceMs) < ms * upTo) ?? UNITS[5];
  const text = `${Math.floor(Math.abs(distanceMs) / unit.ms)} ${unit.name}`;
  return distanceMs < 0 ? `in ${text}` : `${text} ago`;
}
