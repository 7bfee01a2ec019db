import type { TunnelStatus } from "./tunnel.ts";
import type { OriginView } from "./views.ts";

/** How an origin is, from what it knows without a request. It names nothing secret. */
export interface HealthReport {
  /** `starting`: no answer of the vault yet; `stale`: it is being asked again, or does not answer. */
  readonly status: "ok" | "starting" | "stale";
  readonly backend: string | null;
  readonly tokenId: string | null;
  readonly generation: number | null;
  /** The ids of the keys that requests may be signed with now. */
  readonly keyIds: readonly string[];
  /** Requests since the start. */
  readonly verified: number;
  /** Refused requests since the start, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** The program that `backend.start()` runs; null if it runs nothing. */
  readonly tunnel: TunnelStatus | null;
}

export interface HealthInput {
  /** Null if the vault has to be asked. */
  readonly view: OriginView | null;
  /** The newest that it said. */
  readonly last: OriginView | null;
  readonly atMs: number;
  readonly verified: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly tunnel?: TunnelStatus | null;
}

/** The report of `backend.health()`. */
export function buildHealthReport({ view, last, atMs, verified, refused, tunnel = null }: HealthInput): HealthReport {
  const known = view ?? last;
  const usable = (known?.keys ?? []).filter(({ not_before: from, not_after: until }) => {
    return (from === undefined || Date.parse(from) <= atMs) && (until === undefined || atMs < Date.parse(until));
  });
  return {
    status: view !== null ? "ok" : known === null ? "starting" : "stale",
    backend: known?.backend.id ?? null,
    tokenId: known?.tokenId ?? null,
    generation: known?.gen ?? null,
    keyIds: usable.map(({ kid }) => kid),
    verified,
    refused,
    tunnel,
  };
}
