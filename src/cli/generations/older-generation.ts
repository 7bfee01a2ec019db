import type { Secret } from "../../crypto/secret.ts";
import type { OlderHolder } from "../../vault/audit/older-generation.ts";
import { type ChangePlan, isEmpty } from "../../vault/changes.ts";
import type { Committed } from "../../vault/commit/proposal.ts";
import type { Diff } from "../../vault/diff.ts";
import { PassphraseHolder } from "../../vault/unlock/passphrase-holder.ts";
import { Flags, vaultFlagsOf } from "../command/flags.ts";
import type { Target } from "../config/target.ts";
import { readGivenSecret, readSecret, type SecretInput, type SecretSources } from "../inputs/secret-input.ts";
import { type Asking, summarize, warnOfAuditFault } from "../items/proposed-changes.ts";
import type { Output } from "../terminal/output.ts";
import { listed } from "../terminal/prompter.ts";

export const THEN_PASSPHRASE_FLAG = {
  "then-passphrase-file": Flags.string({
    description: "file with the passphrase of that generation, - for stdin (default: VSYNC_THEN_PASSPHRASE(_FILE))",
    helpValue: "<file>",
  }),
};

/**
 * Finds the passphrase of an older generation if it differs from today's: from the file, the variables, or a prompt, which
 * asks again for each generation. Disposing zeroes the keys of all of them.
 */
export class OlderPassphrases implements Disposable {
  readonly #file: string | undefined;
  readonly #sources: SecretSources;
  readonly #holders: PassphraseHolder[] = [];
  #given: Promise<Secret | null> | undefined;

  constructor(file: string | undefined, sources: SecretSources) {
    this.#file = file;
    this.#sources = sources;
  }

  readonly holderOf: OlderHolder = async (gen) => {
    const passphrase = await this.#read({
      what: `the passphrase of gen=${gen}`,
      flag: "then-passphrase-file",
      variable: "VSYNC_THEN_PASSPHRASE",
      question: `Passphrase of gen=${gen}:`,
    });
    if (passphrase === null) return null;
    const holder = new PassphraseHolder(passphrase);
    this.#holders.push(holder);
    return holder;
  };

  async #read(input: SecretInput): Promise<Secret | null> {
    this.#given ??= readGivenSecret(input, this.#file, this.#sources);
    const given = await this.#given;
    return given === null && this.#sources.prompter.isInteractive ? readSecret(input, undefined, this.#sources) : given;
  }

  [Symbol.dispose](): void {
    for (const holder of this.#holders) holder[Symbol.dispose]();
  }
}

/** `+ NAME`, `~ NAME`, `- NAME`, one per line: names, never values. */
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

/** A restore undoes what came after that generation, whether or not it removes names. */
export function beforeRestoring({ repo, env }: Target, gen: number): Asking {
  return (changes) => {
    if (isEmpty(changes)) return null;
    const { added, changed, removed } = changes;
    const parts = [
      ["add", added],
      ["change", changed],
      ["remove", removed],
    ] as const;
    const what = parts.flatMap(([verb, names]) => (names.length === 0 ? [] : [`${verb} ${listed(names)}`])).join(", ");
    return {
      question: `Restore gen=${gen} of ${repo}/${env}?`,
      refusal: `restoring gen=${gen} of ${repo}/${env} would ${what}`,
      hint: "give --yes, or run this on a terminal",
    };
  };
}

export function renderRestored(
  { changes }: ChangePlan,
  committed: Committed | null,
  env: string,
  flags: { readonly gen: number; readonly json: boolean; readonly repo?: string | undefined },
  output: Output,
): void {
  if (flags.json) {
    const { added, changed, removed } = changes;
    const gen = committed?.manifest.gen ?? null;
    output.json({ env, from_gen: flags.gen, gen, written: committed !== null, added, changed, removed });
  }
  if (isEmpty(changes)) output.say(`gen=${flags.gen} has the same content as the vault now`);
  if (committed === null) return output.say("nothing was written");
  output.done(`Restored gen=${flags.gen} of ${env} (gen=${committed.manifest.gen})`);
  warnOfAuditFault(committed, vaultFlagsOf(env, flags), output);
}
