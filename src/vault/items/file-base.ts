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
import { type Changes, compareItems, isEmpty, type NamedData } from "./changes.ts";

/** The generation that a file's content came from. */
export interface FileBase {
  readonly gen: number;
  /** What the file says of its vault and bundle; null if a person gave only the generation. */
  readonly origin: {
    readonly vault: string;
    /** SHA-256 of the bundle, lower-case hex. */
    readonly digest: string;
    /** The vault's name when the file was written, for messages: `acme/api dev`. */
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
  /**
   * The vault has never reached this generation, or had other content there, because somebody restored an older state.
   */
  | { readonly kind: "unknown"; readonly gen: number; readonly newest: number };

/** What the vault held at a file's base, and who changed it since. */
export interface OpenedBase {
  readonly kind: "opened";
  readonly gen: number;
  /** Null if this generation can no longer be opened. */
  readonly items: readonly NamedData[] | null;
  /** Why `items` is null. */
  readonly lost: "removed" | "locked" | null;
  /** The newest row since then that may have changed a secret, or null. */
  readonly last: AuditRow | null;
}

const QUIET: ReadonlySet<string> = new Set(["rotate", "finish", "gc", "settings", "move"]);

/** Whether an action leaves every secret and file unchanged. An unknown action may change them. */
function keepsContent({ action }: AuditRow): boolean {
  return QUIET.has(action) || action.startsWith("token-");
}

/**
 * Opens the generation that a file comes from. It verifies the audit rows down to it, and fetches its bundle only if a
 * later generation may have changed a secret.
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

/** Newest first, down to the base's own row. Includes the manifest's row even if it is not written yet. */
async function rowsSince(
  store: CommitPorts["store"],
  manifest: Manifest,
  { base, signal }: BaseRequest,
): Promise<readonly AuditRow[]> {
  if (base.gen === manifest.gen) return [auditRowOf(manifest)];
  const { rows, outstanding } = await verifyAudit(store, manifest, { signal, downTo: base.gen });
  return outstanding === null ? rows : [auditRowOf(manifest), ...rows];
}

/** Later changes in the vault that the file lacks and a push of it would undo. */
export interface NewerWork {
  readonly kind: "newer";
  readonly gen: number;
  readonly newest: number;
  /** What others did to these names since the base. If the base is lost, nobody can tell, and it has all of them. */
  readonly changes: Changes;
  readonly lost: OpenedBase["lost"];
  readonly last: { readonly at: string; readonly actor: Actor } | null;
}

/**
 * Compares what others changed since the base with what pushing a file would change. Equal changes on both sides do not
 * count.
 *
 * @returns null if pushing the file undoes nothing
 */
export function newerWork(
  { gen, items, lost, last }: OpenedBase,
  { manifest, bundle }: OpenedVault,
  file: readonly NamedData[],
): NewerWork | null {
  if (last === null) return null;
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
  if (isEmpty(changes)) return null;
  return { kind: "newer", gen, newest: manifest.gen, changes, lost, last };
}
