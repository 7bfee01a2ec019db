import type { Generation, History } from "../../vault/history.ts";
import type { Output } from "../terminal/output.ts";
import { AGO, forWhom, nameOf, toSeconds } from "./render-audit.ts";

const COLUMNS = [
  { head: "GEN", cell: ({ gen }: Generation) => String(gen), align: "right" },
  { head: "WHEN", cell: ({ at }: Generation) => toSeconds(at) },
  AGO,
  { head: "WHO", cell: ({ actor }: Generation) => nameOf(actor) },
  { head: "ACTION", cell: ({ action }: Generation) => action },
  { head: "BUNDLE", cell: ({ bundle }: Generation) => bundle },
  { head: "NOTE", cell: ({ note }: Generation) => note ?? "" },
] as const;

export function renderHistory(
  { manifest, generations }: History,
  flags: { readonly json?: boolean },
  output: Output,
): void {
  if (flags.json) output.json({ env: manifest.env, gen: manifest.gen, generations });
  else output.table(forWhom(COLUMNS, output), generations);
}
