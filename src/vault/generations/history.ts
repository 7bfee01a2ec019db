import { WrongPassphraseError } from "../../errors.ts";
import { type AuditRequest, readAudit } from "../audit/chain.ts";
import { openBundleOf } from "../audit/older-generation.ts";
import { type AuditRow, auditRowOf } from "../format/audit-row.ts";
import type { Item } from "../format/item.ts";
import type { Actor, Manifest } from "../format/manifest.ts";
import { BUNDLE_PREFIX } from "../format/object-keys.ts";
import { type Changes, compareItems } from "../items/changes.ts";
import { BundleMissingError } from "../open/open-bundle.ts";
import type { ReadPorts } from "../open/open-manifest.ts";

export interface Generation {
  readonly gen: number;
  /** `YYYY-MM-DDTHH:MM:SS.mmmZ` */
  readonly at: string;
  readonly action: string;
  readonly actor: Actor;
  readonly note: string | null;
  /** The object key of the bundle. */
  readonly key: string;
  /** Size of the bundle in bytes. */
  readonly size: number;
  /** `current`: the manifest names it. `kept`: it can be restored. `gone`: gc or somebody else removed it. */
  readonly bundle: "current" | "kept" | "gone";
  /** What it changed; null if it was not compared, or does not open with this passphrase. */
  readonly changes: Pick<Changes, "added" | "changed" | "removed"> | null;
}

export interface History {
  readonly manifest: Manifest;
  /** Oldest first. */
  readonly generations: readonly Generation[];
}

/**
 * Lists the generations by their audit rows, and which bundles still exist. The newest comes from the manifest, so it
 * appears even if its row is missing.
 *
 * @throws what `readAudit` throws
 */
export async function readHistory(ports: ReadPorts, request: AuditRequest): Promise<History> {
  const { manifest, rows } = await readAudit(ports, request);
  const keys = new Set(await Array.fromAsync(ports.store.list(BUNDLE_PREFIX)));
  const older = rows.filter((row) => row.gen < manifest.gen);
  const generations = [...older, auditRowOf(manifest)].map(
    ({ gen, at, action, actor, note, bundle: { key, size } }) => {
      const bundle = gen === manifest.gen ? "current" : keys.has(key) ? "kept" : "gone";
      return { gen, at, action, actor, note: note ?? null, key, size, bundle } as const;
    },
  );
  const changes = await changesOf([...older, auditRowOf(manifest)], keys, ports, request);
  return { manifest, generations: generations.map((it) => ({ ...it, changes: changes.get(it.gen) ?? null })) };
}

/** Comparing means fetching and decrypting each bundle, so it stops after this many, and at large ones. */
const MAX_COMPARED = 12;
const MAX_COMPARED_BYTES = 1024 * 1024;

async function changesOf(
  rows: readonly AuditRow[],
  keys: ReadonlySet<string>,
  { store }: ReadPorts,
  { holder, signal }: AuditRequest,
): Promise<ReadonlyMap<number, Changes>> {
  const changes = new Map<number, Changes>();
  let after: { readonly row: AuditRow; readonly items: readonly Item[] } | null = null;
  for (const row of rows.toReversed().slice(0, MAX_COMPARED + 1)) {
    const { vault, gen, bundle } = row;
    if (!keys.has(bundle.key) || bundle.size > MAX_COMPARED_BYTES) break;
    const opening = openBundleOf(store, { vault, gen, bundle }, { holder, signal });
    const opened = await opening.catch(nullIfLocked);
    if (opened === null) break;
    if (after !== null) changes.set(after.row.gen, compareItems(opened.items, after.items));
    after = { row, items: opened.items };
  }
  if (after?.row.gen === 1) changes.set(1, compareItems([], after.items));
  return changes;
}

/** A generation from before a rotation does not open with today's passphrase. */
function nullIfLocked(error: unknown): null {
  if (error instanceof WrongPassphraseError || error instanceof BundleMissingError) return null;
  throw error;
}
