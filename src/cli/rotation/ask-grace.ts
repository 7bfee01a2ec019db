import { HOUR_MS } from "../../durations.ts";
import type { ConsentFlags } from "../terminal/consent.ts";
import type { Prompter } from "../terminal/prompter.ts";

/** What happens to the old passphrase and, after a leak, to the scoped tokens. */
export interface Ending {
  /** How long the old passphrase still reads, in milliseconds. Undefined: not at all. */
  readonly grace?: number | undefined;
  readonly leaked?: boolean | undefined;
  readonly tokens?: "keep" | "revoke" | undefined;
}

/**
 * Takes the answers from flags, or asks for them before anything else. With `--yes` it does not ask. The answer "it has
 * leaked" is the same as `--leaked`.
 */
export async function endingOf<Flags extends Ending & ConsentFlags>(flags: Flags, prompter: Prompter): Promise<Flags> {
  const isAnswered = flags.grace !== undefined || flags.leaked || flags.yes || flags["dry-run"];
  if (isAnswered || !prompter.isInteractive) return flags;
  const answer = await prompter.choose("How long may apps still start with the old passphrase?", [
    { name: "24h", value: 24 * HOUR_MS, description: "they restart whenever they like, and none fails" },
    { name: "1h", value: HOUR_MS, description: "they restart whenever they like, and none fails" },
    {
      name: "not at all: it has leaked",
      short: "not at all",
      value: null,
      description: "apps that start with it fail from now on",
    },
  ]);
  if (answer !== null) return { ...flags, grace: answer };
  const tokens = await prompter.choose("May the leak have reached scoped tokens, too?", [
    { name: "no, or the vault has none", short: "no", value: "keep" as const, description: "they go on" },
    { name: "yes", value: "revoke" as const, description: "all of them end now" },
  ]);
  return { ...flags, leaked: true, tokens };
}
