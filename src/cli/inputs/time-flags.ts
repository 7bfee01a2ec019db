import * as oclifFlags from "@oclif/core/flags";
import { DAY_MS, HOUR_MS } from "../../durations.ts";
import { InputError } from "../../errors.ts";

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: HOUR_MS, d: DAY_MS };

export interface DurationRange {
  /** As a user types it: `1s`, `90d`. */
  readonly from: string;
  readonly to: string;
}

/** The milliseconds of `90s`, `30m`, `24h` or `7d`; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const unitMs = UNITS_MS[match?.[2] ?? ""];
  return unitMs === undefined ? null : Number(match?.[1]) * unitMs;
}

export interface DurationOptions {
  readonly description: string;
  readonly exclusive?: string[];
  readonly dependsOn?: string[];
}

/** A flag whose value is in milliseconds. Parsing it throws an InputError that names the flag and the range. */
export function durationFlag(name: string, range: DurationRange, options: DurationOptions) {
  return oclifFlags.custom<number>({ parse: async (text) => durationMs(name, range, text) })({
    ...options,
    helpValue: "<duration>",
  });
}

function durationMs(name: string, range: DurationRange, text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms >= boundMs(range.from) && ms <= boundMs(range.to)) return ms;
  throw new InputError(`--${name} must be a duration from ${range.from} to ${range.to}`, {
    hint: "write it as in 90s, 30m, 24h or 7d",
  });
}

function boundMs(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}

/** A flag whose value is a UTC day. Parsing it throws an InputError that names the flag. */
export function dayFlag(name: string, description: string) {
  return oclifFlags.custom({ parse: async (text) => requireDay(name, text) })({
    description,
    helpValue: "<yyyy-mm-dd>",
  });
}

function requireDay(name: string, text: string): string {
  const date = new Date(text);
  if (!Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text) return text;
  throw new InputError(`--${name} must be a day`, { hint: "write it as in 2026-11-30" });
}
