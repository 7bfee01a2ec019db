import type { Prompter } from "../terminal/prompter.ts";

const HOUR_MS = 3_600_000;

export interface GraceFlags {
  /** Milliseconds. */
  readonly grace?: number | undefined;
  readonly yes?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
}

/**
 * How long the old passphrase goes on reading: the flag's, or a person's answer before anything else is asked. A person who types
 * `--yes` has answered. Undefined: not at all.
 */
export async function graceOf(flags: GraceFlags, prompter: Prompter): Promise<number | undefined> {
  if (flags.grace !== undefined || flags.yes || flags["dry-run"] || !prompter.isInteractive) return flags.grace;
  const answer = await prompter.choose("How long may apps still start with the old passphrase?", [
    { name: "24h", value: 24 * HOUR_MS, description: "they restart in their own time, and none fails" },
    { name: "1h", value: HOUR_MS, description: "they restart in their own time, and none fails" },
    {
      name: "not at all: it has leaked",
      short: "not at all",
      value: null,
      description: "those that start with it fail from now on",
    },
  ]);
  return answer ?? undefined;
}
