import { WrongPassphraseError } from "../../errors.ts";
import type { ReadOptions } from "../../ports.ts";
import { verifyAudit } from "../audit/chain.ts";
import { type OlderHolder, openBundleOf } from "../audit/older-generation.ts";
import type { CommitPorts } from "../commit/commit.ts";
import { type AuditRow, auditRowOf } from "../format/audit-row.ts";
import type { Actor, Manifest } from "../format/manifest.ts";
import type { OpenedVault } from "../open/open.ts";
import { BundleMissingError } from "../open/open-bundle.ts";
import type { KeyHolder } from "../unlock/key-holder.ts";
import { type Changes, compareItems, type NamedData } from "./changes.ts";

/** The generation that a file's content comes from. */
export interface FileBase {
  readonly gen: number;
  /** What the file says of its vault and bundle; null if a person named the generation alone. */
  readonly origin: {
    readonly vault: string;
    /** SHA-256 of the bundle, lower-case hex. */
    readonly digest: string;
    /** The vault's name at that time, for messages: `acme/api dev`. */
    readonly name: string;
  } | null;
}

export interface BaseRequest extends ReadOptions {
  readonly base: FileBase;
  readonly holder: KeyHolder;
  readonly olderHolder: OlderHolder;
}

/** Why a file's base cannot be compared with the vault. */
export type BaseMismatch =
  /** The file belongs to another vault. */
  | { readonly kind: "foreign"; readonly name: string }
  /** The vault has never been at this generation, or had another content there: somebody put back an older state. */
  | { readonly kind: "unknown"; readonly gen: number; readonly newest: number };

/** What the vault held at a file's base, and who has changed it since. */
export interface OpenedBase {
  readonly kind: "opened";
  readonly gen: number;
  /** Null if nobody can open that generation any more. */
  readonly items: readonly NamedData[] | null;
  /** Why `items` is null. */
  readonly lost: "removed" | "locked" | null;
  /** The newest row since that may have changed a secret; null without one. */
  readonly last: AuditRow | null;
}

const QUIET: ReadonlySet<string> = new Set(["rotate", "finish", "gc", "settings", "move"]);

/** Whether an action leaves every secret and file as it is. An unknown one may not. */
function keepsContent({ action }: AuditRow): boolean {
  return QUIET.has(action) || action.startsWith("token-");
}

/**
 * Opens the generation that a file comes from. It verifies the audit rows down to it, and fetches its bundle only if a
 * generation since may have changed a secret.
 *
 * @throws what `verifyAudit` throws
 * @throws BundleCorruptError the bundle is not what its row says
 */
export async function openBase(
  { store }: Pick<CommitPorts, "store">,
  vault: OpenedVault,
  request: BaseRequest,
): Promise<OpenedBase | BaseMismatch> {
  const { manifest, bundle } = vault;
  const { gen, origin } = request.base;
  if (origin !== null && origin.vault !== manifest.vault) return { kind: "foreign", name: origin.name };
  const unknown = { kind: "unknown", gen, newest: manifest.gen } as const;
  if (gen < 1 || gen > manifest.gen) return unknown;
  const rows = await rowsSince(store, manifest, request);
  const row = rows.at(-1);
  if (origin !== null && row?.bundle.sha256 !== origin.digest) return unknown;
  const last = rows.find((it) => it.gen > gen && !keepsContent(it)) ?? null;
  const opened = { kind: "opened", gen, lost: null, last } as const;
  if (row === undefined || last === null) return { ...opened, items: bundle.items };
  const place = { vault: manifest.vault, gen, bundle: row.bundle };
  try {
    return { ...opened, items: (await openBundleOf(store, place, request)).items };
  } catch (error) {
    if (error instanceof BundleMissingError) return { ...opened, items: null, lost: "removed" };
    if (error instanceof WrongPassphraseError) return { ...opened, items: null, lost: "locked" };
    throw error;
  }
}

/** Newest first, down to the base's own row; the manifest's row even while it is outstanding. */
async function rowsSince(
  store: CommitPorts["store"],
  manifest: Manifest,
  { base, signal }: BaseRequest,
): Promise<readonly AuditRow[]> {
  if (base.gen === manifest.gen) return [auditRowOf(manifest)];
  const { rows, outstanding } = await verifyAudit(store, manifest, { signal, downTo: base.gen });
  return outstanding === null ? rows : [auditRowOf(manifest), ...rows];
}

/** Work in the vault that a file has not seen and would undo. */
export interface NewerWork {
  readonly kind: "newer";
  readonly gen: number;
  readonly newest: number;
  /** What others did to these names since. All of them, where the base is lost: nobody can tell then. */
  readonly changes: Changes;
  readonly lost: OpenedBase["lost"];
  readonly last: { readonly at: string; readonly actor: Actor } | null;
}

/**
 * Compares what others changed since the base with what a file would write: what both changed alike does not count.
 *
 * @returns null if writing the file undoes nothing
 */
export function newerWork(
  { gen, items, lost, last }: OpenedBase,
  { manifest, bundle }: OpenedVault,
  file: readonly NamedData[],
): NewerWork | null {
  const written = compareItems(bundle.items, file);
  const differs = new Set([...written.added, ...written.changed, ...written.removed]);
  const since = items === null ? compareItems(file, bundle.items) : compareItems(items, bundle.items);
  const undone = (names: readonly string[]) => names.filter((name) => differs.has(name));
  const changes = {
    added: undone(since.added),
    changed: undone(since.changed),
    removed: undone(since.removed),
    unchanged: [],
  };
  if (last === null || changes.added.length + changes.changed.length + changes.removed.length === 0) return null;
  return { kind: "newer", gen, newest: manifest.gen, changes, lost, last };
}
