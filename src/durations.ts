/** Lengths of time, in milliseconds. A day has 24 hours, because every date is in UTC. */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
