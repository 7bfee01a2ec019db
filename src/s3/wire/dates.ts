interface Dated {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The date of a server's response, in milliseconds since the epoch; null if it has none. */
export function datedMs({ headers }: Dated): number | null {
  const serverMs = Date.parse(headers["date"] ?? "");
  return Number.isNaN(serverMs) ? null : serverMs;
}

/**
 * How far the server's clock is ahead of ours, in milliseconds, accurate to a second; null if its responses have no
 * date.
 */
export function skewMs(answer: Dated, nowMs: number): number | null {
  const serverMs = datedMs(answer);
  return serverMs === null ? null : serverMs - Math.floor(nowMs / 1000) * 1000;
}
