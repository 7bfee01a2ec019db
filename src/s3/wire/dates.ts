interface Dated {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The date of a server's answer, in milliseconds since the epoch; null if it carries none. */
export function datedMs({ headers }: Dated): number | null {
  const serverMs = Date.parse(headers["date"] ?? "");
  return Number.isNaN(serverMs) ? null : serverMs;
}

/** How far the server's clock is ahead of ours; null if it does not date its answers. A Date header has seconds. */
export function skewMs(answer: Dated, nowMs: number): number | null {
  const serverMs = datedMs(answer);
  return serverMs === null ? null : serverMs - Math.floor(nowMs / 1000) * 1000;
}
