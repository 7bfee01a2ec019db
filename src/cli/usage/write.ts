import type { ClosePlan, CompactPlan } from "../../vault/usage/write.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type ConsentFlags, counted, requireConsent } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";
import { renderUsage, sayDoubts } from "./render.ts";

type Flags = ConsentFlags & { readonly json?: boolean | undefined };

/** Shows the totals, asks, and freezes them. */
export async function closeMonth(
  { read, month, write }: ClosePlan,
  config: LocalConfig,
  flags: Flags,
  { prompter, output }: SecretSources,
): Promise<void> {
  // Who is asked sees the totals first; JSON is one document, of the totals or of a failure.
  if (!flags.json) renderUsage(read, flags, output);
  if (!flags["dry-run"]) {
    const { repo, env, isProtected = false } = config;
    const question = `Close ${month} of ${repo}/${env}?`;
    const refusal = `this would close ${month} for good`;
    await requireConsent({ env, isProtected, question, refusal }, flags, prompter);
    await write();
  }
  if (flags.json) renderUsage(read, flags, output);
  if (flags["dry-run"]) return output.say(`would close ${month}; dry run: nothing was written`);
  output.done(`Closed ${month} of ${config.env}: usage that arrives later is listed as late`);
}

/** Asks, writes one object for the day, then removes those that it replaces. */
export async function compactDay(
  { day, read, keys, write }: CompactPlan,
  config: LocalConfig,
  flags: Flags,
  { prompter, output }: SecretSources,
): Promise<void> {
  sayDoubts(read, output);
  const batches = counted(keys.length, "batch", "batches");
  if (keys.length > 0 && !flags["dry-run"]) {
    const { env, isProtected = false } = config;
    const question = `Replace ${batches} of ${day} with one object?`;
    const refusal = `this would replace ${batches} of ${day}`;
    await requireConsent({ env, isProtected, question, refusal }, flags, prompter);
    await write();
  }
  if (flags.json) output.json({ env: config.env, day, batches: keys.length, dryRun: flags["dry-run"] === true });
  if (keys.length === 0) return output.done(`${config.env} has no batches of ${day}: nothing to compact`);
  if (flags["dry-run"]) return output.say(`would compact ${batches} of ${day}; dry run: nothing was written`);
  output.done(`Compacted ${day} of ${config.env}: one object in place of ${batches}`);
}

export function renderVoided(
  id: string,
  { wasVoid }: { readonly wasVoid: boolean },
  config: LocalConfig,
  { json }: Flags,
  output: Output,
): void {
  if (json) output.json({ env: config.env, voided: id });
  if (wasVoid) return output.done(`The event ${id} of ${config.env} was void already: nothing to write`);
  output.done(`The event ${id} of ${config.env} no longer counts: vsync usage ${vaultArgs(config)} shows the totals`);
}
