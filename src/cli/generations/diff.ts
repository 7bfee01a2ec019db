import { InputError } from "../../errors.ts";
import { diffGenerations } from "../../vault/generations/diff.ts";
import { type Changes, compareItems, type NamedData } from "../../vault/items/changes.ts";
import { openVault } from "../../vault/open/open.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { summarize } from "../items/proposed-changes.ts";
import { OlderPassphrases } from "../session/older-passphrases.ts";
import { type OtherFlags, openOther } from "../session/other-env.ts";
import { openSession, type SessionInput } from "../session/session.ts";
import type { Output } from "../terminal/output.ts";

export interface DiffFlags extends OtherFlags {
  readonly "from-gen"?: number | undefined;
  readonly "to-gen"?: number | undefined;
  readonly "then-passphrase-file"?: string | undefined;
  readonly values?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export interface DiffInput {
  readonly flags: SessionInput["flags"] & DiffFlags;
  /** Names of envs, and numbers of generations. */
  readonly words: readonly string[];
}

/** Both sides of a comparison. */
export interface Comparison {
  /** Such as `gen=3` or `staging (gen=3)`. */
  readonly from: string;
  readonly to: string;
  readonly before: readonly NamedData[];
  readonly after: readonly NamedData[];
  readonly changes: Changes;
  /** For `--json`. */
  readonly fields: Readonly<Record<string, string | number>>;
}

/**
 * @throws InputError more than two words, or envs mixed with generations
 */
export async function compare({ flags, words }: DiffInput, sources: SecretSources): Promise<Comparison> {
  const gens = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const [env, other, ...more] = words.filter((word) => !/^\d+$/.test(word));
  const isFlagged = flags["from-gen"] !== undefined || flags["to-gen"] !== undefined;
  const isMixed = other !== undefined && (gens.length > 0 || isFlagged);
  if (more.length > 0 || gens.length > 2 || isMixed || (gens.length > 0 && isFlagged)) {
    throw new InputError("diff compares two envs, or two generations of one", {
      hint: "as in vsync diff staging prod, or vsync diff prod 3 5",
    });
  }
  if (other !== undefined) return compareEnvs([env ?? "", other], flags, sources);
  const [fromGen = flags["from-gen"], toGen = flags["to-gen"]] = gens;
  return compareGenerations({ flags, ...(env === undefined ? {} : { args: { env } }) }, { fromGen, toGen }, sources);
}

async function compareGenerations(
  input: SessionInput & { readonly flags: DiffFlags },
  gens: { readonly fromGen: number | undefined; readonly toGen: number | undefined },
  sources: SecretSources,
): Promise<Comparison> {
  using session = await openSession(input, sources, { use: input.flags.values ? "values" : "names" });
  using older = new OlderPassphrases(input.flags["then-passphrase-file"], sources);
  const diff = await diffGenerations(session.ports, { ...session.request, ...gens, olderHolder: older.holderOf });
  await session.remember(diff.manifest);
  const { fromGen, toGen, before, after, changes } = diff;
  const fields = { env: diff.manifest.env, from_gen: fromGen, to_gen: toGen };
  return { from: `gen=${fromGen}`, to: `gen=${toGen}`, before, after, changes, fields };
}

async function compareEnvs(
  [env, other]: readonly [string, string],
  flags: DiffInput["flags"],
  sources: SecretSources,
): Promise<Comparison> {
  const use = { use: flags.values ? "values" : "names" } as const;
  using first = await openSession({ flags, args: { env } }, sources, use);
  using second = await openOther(other, { flags }, sources, use);
  const [from, to] = [await openVault(first.ports, first.request), await openVault(second.ports, second.request)];
  await first.remember(from.manifest);
  await second.remember(to.manifest);
  const [before, after] = [from.bundle.items, to.bundle.items];
  const fields = { from_env: env, from_gen: from.manifest.gen, to_env: other, to_gen: to.manifest.gen };
  const nameOf = (name: string, { gen }: { readonly gen: number }) => `${name} (gen=${gen})`;
  const names = { from: nameOf(env, from.manifest), to: nameOf(other, to.manifest) };
  return { ...names, before, after, changes: compareItems(before, after), fields };
}

/**
 * @throws InputError stdout is a file or a pipe, where values must not go
 */
export function requireTerminalFor({ values, json }: DiffFlags, output: Output): void {
  if (!values || (!json && output.columns !== undefined)) return;
  throw new InputError("--values shows values only on a terminal", {
    hint: "leave it out, or look at one with vsync get or vsync export",
  });
}

/** `+ NAME`, `~ NAME`, `- NAME`, one per line; with `--values`, the old and the new value below each. */
export function renderDiff(
  { from, to, before, after, changes, fields }: Comparison,
  flags: DiffFlags,
  output: Output,
): void {
  const { added, changed, removed } = changes;
  if (flags.json) return output.json({ ...fields, added, changed, removed });
  for (const [sign, names] of [
    ["+", added],
    ["~", changed],
    ["-", removed],
  ] as const) {
    for (const name of names) {
      output.change(sign, name);
      if (!flags.values) continue;
      for (const [side, items] of [
        ["-", before],
        ["+", after],
      ] as const) {
        const item = items.find((it) => it.name === name);
        if (item !== undefined) output.line(`    ${side} ${valueOf(item)}`);
      }
    }
  }
  output.say(`${from} → ${to}: ${summarize(changes)}`);
}

function valueOf({ kind, data }: NamedData): string {
  return kind === "secret" ? data.exposeText() : `[file of ${data.expose().length} bytes]`;
}
