import { Secret } from "../../../crypto/secret.ts";
import { InputError } from "../../../errors.ts";
import type { OlderHolder } from "../../../vault/audit/older-generation.ts";
import { compareItems, isEmpty, type NamedData } from "../../../vault/items/changes.ts";
import { type BaseMismatch, type OpenedBase, openBase } from "../../../vault/items/file-base.ts";
import { mergeItems } from "../../../vault/items/merge.ts";
import type { OpenedVault } from "../../../vault/open/open.ts";
import type { OpenRequest, ReadPorts } from "../../../vault/open/open-manifest.ts";
import { parseDotenv } from "../dotenv/dotenv.ts";
import { fitsDotenv } from "../dotenv/dotenv-writer.ts";
import { findBase } from "../file-base.ts";
import type { PlannedFile } from "./pull-plan.ts";

/** What the files here hold, and what they held when they came from the vault. */
export interface LocalSide {
  readonly items: readonly NamedData[];
  /** The items of the generation that the dotenv file came from; null if it names none, or none that can be opened. */
  readonly base: readonly NamedData[] | null;
  /** Null if the dotenv file does not say which generation it came from. */
  readonly opened: OpenedBase | BaseMismatch | null;
}

/** How to read the vault's older generations. */
export interface Reach {
  readonly ports: ReadPorts;
  readonly request: OpenRequest;
  readonly olderHolder: OlderHolder;
}

/**
 * Reads the files here that a pull would write.
 *
 * @throws InputError the dotenv file cannot be read as one, or a file is too large to be compared
 * @throws what `openBase` throws
 */
export async function readLocalSide(
  planned: readonly PlannedFile[],
  vault: OpenedVault,
  { ports, request, olderHolder }: Reach,
): Promise<LocalSide> {
  planned.forEach(requireComparable);
  const [first, ...others] = planned;
  const { path, local: dotenv } = first ?? { path: "", local: null };
  const theirs = vault.bundle.items;
  const from = dotenv && (await findBase({ path, bytes: dotenv }, vault.manifest.vault));
  const opened = from && (await openBase(ports, vault, { ...request, base: from, olderHolder }));
  const base = opened?.kind === "opened" ? opened.items : null;
  const secrets = dotenv === null ? theirs.filter(({ kind }) => kind === "secret") : secretsIn(dotenv, path);
  const items = new Map(secrets.map((secret) => [secret.name, secret]));
  for (const file of others) {
    const item = itemIn(file, theirs, base);
    if (item !== undefined && (file.state === "different" || !items.has(file.name))) items.set(file.name, item);
  }
  // A secret that had a file of its own, and has none in the vault's newest generation.
  for (const old of base ?? [])
    if (old.kind === "secret" && !items.has(old.name) && !fitsDotenv(old)) items.set(old.name, old);
  return { items: [...items.values()], base, opened };
}

/** Whether everything here is still as it came from the vault, or as the vault has it now. */
export function isOlder({ items, base }: LocalSide, { bundle: { items: theirs } }: OpenedVault): boolean {
  if (base === null) return false;
  const merged = mergeItems({ base, ours: items, theirs, settled: { ours: [], theirs: [] } });
  return merged.conflicts.length === 0 && isEmpty(compareItems(theirs, merged.items));
}

function requireComparable({ path, local, state }: PlannedFile): void {
  if (state === "different" && local === null)
    throw new InputError(`${path} is larger than any vault`, { hint: "move it elsewhere" });
}

function secretsIn(bytes: Uint8Array, label: string): readonly NamedData[] {
  return parseDotenv(bytes, label).entries.map(({ name, value }) => ({ name, kind: "secret", data: value }));
}

/**
 * What a file here holds. A missing one counts as unchanged, because it may never have been pulled. A file's mode says
 * nothing, because pull writes every file with 0600.
 */
function itemIn(
  { name, local, state }: PlannedFile,
  theirs: readonly NamedData[],
  base: readonly NamedData[] | null,
): NamedData | undefined {
  const its = theirs.find((item) => item.name === name);
  const old = (base ?? theirs).find((item) => item.name === name && item.kind === its?.kind);
  if (its === undefined || local === null) return old;
  if (old !== undefined && Buffer.compare(old.data.expose(), local) === 0) return old;
  return state === "same" ? its : { ...(old ?? its), data: Secret.ofBytes(local) };
}
