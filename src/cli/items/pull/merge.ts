import { ConflictError, InputError } from "../../../errors.ts";
import { type Changes, compareItems, type NamedData } from "../../../vault/items/changes.ts";
import type { BaseMismatch, OpenedBase } from "../../../vault/items/file-base.ts";
import { mergeItems } from "../../../vault/items/merge.ts";
import { openVault } from "../../../vault/open/open.ts";
import type { SecretSources } from "../../inputs/secret-input.ts";
import { OlderPassphrases } from "../../session/older-passphrases.ts";
import type { VaultAnywhere } from "../../session/open-anywhere.ts";
import type { Session } from "../../session/session.ts";
import { listed } from "../../terminal/consent.ts";
import type { Output } from "../../terminal/output.ts";
import { notingOf } from "../file-base.ts";
import { renderChanges, summarize } from "../proposed-changes.ts";
import { requireFresh, THEN } from "../stale.ts";
import { readLocalSide } from "./local-side.ts";
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
}

export interface MergedFiles {
  readonly vault: VaultAnywhere;
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
  const vault = { ...(await openVault(ports, request)), config };
  // If only the file has a name and the merge leaves it out, one side has removed it.
  const target = { ...pullTarget(vault, flags), keepsOwn: false };
  const theirs = vault.bundle.items;
  const planned = await planFiles(theirs, target);
  using older = new OlderPassphrases(flags["then-passphrase-file"], sources);
  const reach = { ports, request, olderHolder: older.holderOf };
  const { items: ours, base, opened } = await readLocalSide(planned, vault, reach);
  if (opened?.kind === "foreign") requireFresh(opened, config, {});
  const settled = settledBy(flags, [...ours, ...theirs]);
  const { items, conflicts } = mergeItems({ base, ours, theirs, settled });
  if (conflicts.length > 0) throw unsettled(conflicts, opened, target);
  const files = await planFiles(items, target);
  await writeFiles(files, vault.manifest, notingOf(config, sources));
  return { vault, files, taken: compareItems(ours, items) };
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
  warnOfDotenv(files, vault.config, output);
  output.done(`Merged ${env} (gen=${gen}) into ${files[0]?.path}: ${summarize(taken)}`);
}
