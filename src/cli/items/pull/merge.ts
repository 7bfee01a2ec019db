import { Secret } from "../../../crypto/secret.ts";
import { ConflictError, InputError } from "../../../errors.ts";
import { type Changes, compareItems, type NamedData } from "../../../vault/items/changes.ts";
import { type BaseMismatch, type OpenedBase, openBase } from "../../../vault/items/file-base.ts";
import { mergeItems } from "../../../vault/items/merge.ts";
import { type OpenedVault, openVault } from "../../../vault/open/open.ts";
import type { SecretSources } from "../../inputs/secret-input.ts";
import { OlderPassphrases } from "../../session/older-passphrases.ts";
import type { Session } from "../../session/session.ts";
import { listed } from "../../terminal/consent.ts";
import type { Output } from "../../terminal/output.ts";
import { parseDotenv } from "../dotenv/dotenv.ts";
import { findBase, notingOf } from "../file-base.ts";
import { renderChanges, summarize } from "../proposed-changes.ts";
import { requireFresh, THEN } from "../stale.ts";
import { type PullPlaces, planFiles, pullTarget, warnOfDotenv, writeFiles } from "./pull.ts";
import type { PlannedFile, PullTarget } from "./pull-plan.ts";

/** Names whose conflict is settled in favour of the file, or of the vault. */
export interface Settled {
  readonly ours?: readonly string[] | undefined;
  readonly theirs?: readonly string[] | undefined;
}

export interface MergeFlags extends PullPlaces, Settled {
  readonly "then-passphrase-file"?: string | undefined;
  readonly json?: boolean | undefined;
  readonly repo?: string | undefined;
}

export interface MergedFiles {
  readonly vault: OpenedVault;
  readonly files: readonly PlannedFile[];
  /** What the files here took over from the vault. */
  readonly taken: Changes;
}

/**
 * Three-way merge of the vault into the files here, based on the generation that they came from. If that generation can
 * no longer be opened, every name that differs is a conflict.
 *
 * @throws ConflictError both sides changed a name differently, and no flag settles it; nothing is written
 * @throws StaleBaseError the file belongs to another vault
 */
export async function mergeFiles(session: Session, flags: MergeFlags, sources: SecretSources): Promise<MergedFiles> {
  const { ports, request, config } = session;
  const vault = await openVault(ports, request);
  // If only the file has a name and the merge leaves it out, one side has removed it.
  const target = { ...pullTarget(vault, flags), keepsOwn: false };
  const theirs = vault.bundle.items;
  const planned = await planFiles(theirs, target);
  const dotenv = planned[0]?.local ?? null;
  using older = new OlderPassphrases(flags["then-passphrase-file"], sources);
  const from = dotenv && (await findBase({ path: target.to, bytes: dotenv }, config.vault));
  const opened = from && (await openBase(ports, vault, { ...request, base: from, olderHolder: older.holderOf }));
  if (opened?.kind === "foreign") requireFresh(opened, config, {});
  const base = opened?.kind === "opened" ? opened.items : null;
  const secrets = dotenv === null ? theirs.filter(({ kind }) => kind === "secret") : secretsIn(dotenv, target.to);
  const ours = [...secrets, ...filesHere(planned, theirs, base)];
  const settled = settledBy(flags, [...ours, ...theirs]);
  const { items, conflicts } = mergeItems({ base, ours, theirs, settled });
  if (conflicts.length > 0) throw unsettled(conflicts, opened, target);
  const files = await planFiles(items, target);
  await writeFiles(files, vault.manifest, notingOf(config, sources));
  return { vault, files, taken: compareItems(ours, items) };
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

/**
 * @throws InputError a name exists on neither side, or is given to both flags
 */
export function settledBy(
  { ours = [], theirs = [] }: Settled,
  known: readonly NamedData[],
): { readonly ours: readonly string[]; readonly theirs: readonly string[] } {
  const twice = ours.find((name) => theirs.includes(name));
  if (twice !== undefined) throw new InputError(`--ours and --theirs both name ${twice}`, { hint: "give it to one" });
  const missing = [...ours, ...theirs].find((name) => !known.some((item) => item.name === name));
  if (missing === undefined) return { ours, theirs };
  throw new InputError(`neither the file nor the vault has ${JSON.stringify(missing)}`, {
    hint: "give names as in --theirs=DATABASE_URL,PORT",
  });
}

export function unsettled(
  conflicts: readonly string[],
  opened: OpenedBase | BaseMismatch | null,
  { env, to }: Pick<PullTarget, "env" | "to">,
): ConflictError {
  const isKnown = opened?.kind === "opened" && opened.items !== null;
  const both = isKnown
    ? `changed both in ${to} and in ${env}`
    : `${conflicts.length === 1 ? "differs" : "differ"} between ${to} and ${env}, and which side changed can no longer be told`;
  const settle = "--theirs=<name>,<name> takes the vault's, --ours=<name>,<name> keeps the file's";
  const isLocked = opened?.kind === "opened" && opened.lost === "locked";
  // Every name, because the user has to settle each one.
  return new ConflictError(`${listed(conflicts, conflicts.length)} ${both}; nothing was written`, {
    hint: isLocked ? `${THEN}; or settle each name: ${settle}` : `settle each name: ${settle}`,
  });
}

export function renderMerge({ vault, files, taken }: MergedFiles, flags: MergeFlags, output: Output): void {
  const { env, gen } = vault.manifest;
  const { added, changed, removed } = taken;
  if (flags.json) output.json({ env, gen, files: files.map(({ path }) => path), added, changed, removed });
  renderChanges(taken, output);
  warnOfDotenv(files, flags, env, output);
  output.done(`Merged ${env} (gen=${gen}) into ${files[0]?.path}: ${summarize(taken)}`);
}
