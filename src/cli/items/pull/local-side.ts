import { Secret } from "../../../crypto/secret.ts";
import type { OlderHolder } from "../../../vault/audit/older-generation.ts";
import { compareItems, isEmpty, type NamedData } from "../../../vault/items/changes.ts";
import { type BaseMismatch, type OpenedBase, openBase } from "../../../vault/items/file-base.ts";
import type { OpenedVault } from "../../../vault/open/open.ts";
import type { OpenRequest, ReadPorts } from "../../../vault/open/open-manifest.ts";
import { parseDotenv } from "../dotenv/dotenv.ts";
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
 * @throws what `openBase` throws
 */
export async function readLocalSide(
  planned: readonly PlannedFile[],
  vault: OpenedVault,
  { ports, request, olderHolder }: Reach,
): Promise<LocalSide> {
  const { path = "", local: dotenv = null } = planned[0] ?? {};
  const theirs = vault.bundle.items;
  const from = dotenv && (await findBase({ path, bytes: dotenv }, vault.manifest.vault));
  const opened = from && (await openBase(ports, vault, { ...request, base: from, olderHolder }));
  const base = opened?.kind === "opened" ? opened.items : null;
  const secrets = dotenv === null ? theirs.filter(({ kind }) => kind === "secret") : secretsIn(dotenv, path);
  return { items: [...secrets, ...filesHere(planned, theirs, base)], base, opened };
}

/** Whether nobody has changed a secret or file here since it came from the vault. */
export function isUntouched({ items, base }: LocalSide): boolean {
  if (base === null) return false;
  const files = new Set(items.filter(({ kind }) => kind === "file").map(({ name }) => name));
  // A file that the vault has no longer is not read here.
  return isEmpty(
    compareItems(
      base.filter(({ kind, name }) => kind === "secret" || files.has(name)),
      items,
    ),
  );
}

function secretsIn(bytes: Uint8Array, label: string): readonly NamedData[] {
  return parseDotenv(bytes, label).entries.map(({ name, value }) => ({ name, kind: "secret", data: value }));
}

/**
 * The vault's files as they are on this machine. A missing one counts as unchanged, because it may never have been
 * pulled.
 */
function filesHere(
  planned: readonly PlannedFile[],
  theirs: readonly NamedData[],
  base: readonly NamedData[] | null,
): readonly NamedData[] {
  const find = (items: readonly NamedData[], name: string) =>
    items.find((item) => item.kind === "file" && item.name === name);
  return planned.flatMap(({ root, name, local, state }) => {
    const its = find(theirs, name);
    if (root === null || its === undefined) return [];
    const old = find(base ?? [], name) ?? its;
    if (state === "absent") return old;
    // Its mode here says nothing, because pull writes every file with 0600.
    return state === "same" ? its : { ...old, data: Secret.ofBytes(local ?? new Uint8Array()) };
  });
}
