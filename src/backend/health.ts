import type { TunnelStatus } from "./tunnel.ts";
import type { OriginView } from "./views.ts";

/** The state of an origin, as far as it knows without a request. Contains nothing secret. */
export interface HealthReport {
  /** `starting`: the vault has not responded yet. `stale`: it is being read again, or does not respond. */
  readonly status: "ok" | "starting" | "stale";
  readonly backend: string | null;
  readonly tokenId: string | null;
  readonly generation: number | null;
  /** The ids of the keys that may sign requests now. */
  readonly keyIds: readonly string[];
  /** Verified requests since the start. */
  readonly verified: number;
  /** Refused requests since the start, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** The program that `backend.start()` runs, or null. */
  readonly tunnel: TunnelStatus | null;
}

export interface HealthInput {
  /** Null if the vault has to be read first. */
  readonly view: OriginView | null;
  /** The newest view, however old. */
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
