import type { Diff } from "../../vault/diff.ts";
import { summarize } from "../items/render-changes.ts";
import type { Output } from "../terminal/output.ts";

/** `+ NAME`, `~ NAME`, `- NAME`, one a line: names, never values. */
export function renderDiff(
  { manifest, toGen, changes }: Diff,
  flags: { readonly "from-gen": number; readonly json?: boolean },
  output: Output,
): void {
  const { added, changed, removed } = changes;
  const fromGen = flags["from-gen"];
  if (flags.json) return output.json({ env: manifest.env, from_gen: fromGen, to_gen: toGen, added, changed, removed });
  for (const [sign, names] of [
    ["+", added],
    ["~", changed],
    ["-", removed],
  ] as const) {
    for (const name of names) output.line(`${sign} ${name}`);
  }
  output.say(`gen=${fromGen} → gen=${toGen}: ${summarize(changes)}`);
}
