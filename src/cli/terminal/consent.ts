import { InputError } from "../../errors.ts";
import type { CONSENT_FLAGS, Given } from "../command/flags.ts";
import type { Prompter } from "./prompter.ts";

/** The flags of a command that asks before it writes. */
export type ConsentFlags = Given<typeof CONSENT_FLAGS> & { readonly "dry-run"?: boolean | undefined };

/** What would be lost, as a question and as a refusal. Both name repo, env and what would go. */
export interface Consent {
  readonly env: string;
  /** Whether only the env's name, typed or given with `--confirm`, confirms. */
  readonly isProtected: boolean;
  /** Such as `Remove A and B from api/prod?`. */
  readonly question: string;
  /** Such as `this would remove A and B from api/prod`. */
  readonly refusal: string;
  /** What else to do if the user does not want this. */
  readonly otherwise?: string | undefined;
}

/** Asks, for example, `Remove A from api/prod?`. */
export function consentTo(
  { env, isProtected = false }: { readonly env: string; readonly isProtected?: boolean },
  verb: string,
  what: string,
  otherwise?: string,
): Consent {
  const question = `${verb[0]?.toUpperCase()}${verb.slice(1)} ${what}?`;
  return { env, isProtected, question, refusal: `this would ${verb} ${what}`, otherwise };
}

/**
 * Fails early if the command will have to ask and cannot.
 *
 * @throws InputError there is no terminal to ask on, and no flag answers
 */
export function requireAnswerable(flags: ConsentFlags, prompter: Prompter): void {
  if (flags.yes || flags.confirm !== undefined || flags["dry-run"] || prompter.isInteractive) return;
  throw new InputError("this needs a confirmation, and there is no terminal to ask on: nothing was written", {
    hint: "give --yes (in a protected env --confirm=<env>), or run this on a terminal",
  });
}

/**
 * Asks before something is removed or undone, unless a flag answers.
 *
 * @throws InputError there is no terminal to ask on, `--confirm` names another env, or the user declines
 */
export async function requireConsent(consent: Consent, flags: ConsentFlags, prompter: Prompter): Promise<void> {
  if (isAnswered(consent, flags)) return;
  const { env, isProtected, question, refusal, otherwise } = consent;
  const answer = isProtected ? `--confirm=${env} (${env} is protected)` : "--yes";
  if (!prompter.isInteractive) {
    const more = otherwise === undefined ? "" : `; ${otherwise}`;
    throw new InputError(`${refusal}: nothing was written`, {
      hint: `give ${answer}, or run this on a terminal${more}`,
    });
  }
  const isAgreed = isProtected
    ? (await prompter.text({ message: `${question} Type ${env}:` })).trim() === env
    : await prompter.confirm(question);
  if (!isAgreed) throw notConfirmed(`${answer} confirms without the question`);
}

function isAnswered({ env, isProtected }: Consent, { yes, confirm }: ConsentFlags): boolean {
  if (confirm !== undefined && confirm !== env) {
    throw new InputError(`--confirm names ${JSON.stringify(confirm)}, and this is about ${env}`, {
      hint: `if ${env} is meant, give --confirm=${env}`,
    });
  }
  return confirm === env || (yes === true && !isProtected);
}

/** A declined question is always a failure, because a script must not continue after it. */
export function notConfirmed(hint: string): InputError {
  return new InputError("not confirmed: nothing was written", { hint });
}

const NAMED = 5;

/** Such as `A, B and C`, or for more than `most` names `A, B, C, D, E and 7 more`. */
export function listed(names: readonly string[], most = NAMED): string {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** Such as `A, B and 3 more`: the first `count`, without an "and" before the last. */
export function firstOf(names: readonly string[], count: number, separator = ", "): string {
  const more = names.length > count ? ` and ${names.length - count} more` : "";
  return `${names.slice(0, count).join(separator)}${more}`;
}

/** Such as `1 file` or `3 files`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
