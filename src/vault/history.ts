import { type AuditRequest, readAudit } from "./audit/chain.ts";
import { auditRowOf } from "./format/audit-row.ts";
import type { Actor, Manifest } from "./format/manifest.ts";
import { BUNDLE_PREFIX } from "./format/object-keys.ts";
import type { ReadPorts } from "./open/open-manifest.ts";

export interface Generation {
  readonly gen: number;
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ` */
  readonly at: string;
  readonly action: string;
  readonly actor: Actor;
  readonly note: string | null;
  /** Of the bundle. */
  readonly key: string;
  /** Bytes of the bundle. */
  readonly size: number;
  /** `current`: the manifest names it. `gone`: `gc` or somebody else removed it, and it cannot be restored. */
  readonly bundle: "current" | "kept" | "gone";
}

export interface History {
  readonly manifest: Manifest;
  /** Oldest first. */
  readonly generations: readonly Generation[];
}

/**
 * The generations by their audit rows, and which bundles still exist. The newest comes from the manifest, and so appears even
 * while its row is outstanding.
 *
 * @throws what `readAudit` throws
 */
export async function readHistory(ports: ReadPorts, request: AuditRequest): Promise<History> {
  const { manifest, rows } = await readAudit(ports, request);
  const keys = new Set<string>();
  for await (const key of ports.store.list(BUNDLE_PREFIX)) keys.add(key);
  const older = rows.filter((row) => row.gen < manifest.gen);
  const generations = [...older, auditRowOf(manifest)].map(
    ({ gen, at, action, actor, note, bundle: { key, size } }) => {
      const bundle = gen === manifest.gen ? "current" : keys.has(key) ? "kept" : "gone";
      return { gen, at, action, actor, note: note ?? null, key, size, bundle } as const;
    },
  );
  return { manifest, generations };
}
