import { InputError } from "../../../errors.ts";
import type { Changes, NamedData } from "../../../vault/items/changes.ts";
import type { Output } from "../../terminal/output.ts";

/** A value in a dotenv file that tools read in different ways. */
export interface Doubt {
  readonly name: string;
  /** What they disagree about: `a backslash`. */
  readonly about: string;
}

export interface ReadItems {
  readonly items: readonly NamedData[];
  readonly doubts: readonly Doubt[];
}

const SHOWN = 20;
export const MARK = "a byte order mark at its start";

/** What tools disagree about in a value as it is written, its quotes included; null if they agree. */
export function doubtAbout(written: string): string | null {
  if (/^['"`]\ufeff/.test(written)) return MARK;
  const quote = /^['"`]/.exec(written)?.[0];
  if (quote === "'" || quote === "`") return /\\[\\'`]/.test(written.slice(1, -1)) ? "a backslash" : null;
  if (quote === '"' ? /\\(?:[^nr]|$)/.test(written.slice(1, -1)) : /\\[nr"'$`\\]/.test(written)) return "a backslash";
  if (written.includes("$$")) return "$$";
  if (/\$\{?[A-Za-z_]/.test(written)) return "a $ before a name";
  if (written.includes("$(")) return "$(";
  if (quote !== undefined || !written.includes("#")) return null;
  return /\s#/.test(written) ? "a # after a space" : "a #";
}

/**
 * Warns of doubtful values that are new in the vault. The others have been settled before.
 *
 * @throws InputError there is one, and `strict` refuses it
 */
export function settleDoubts(
  doubts: readonly Doubt[],
  { added, changed }: Changes,
  { strict }: { readonly strict?: boolean },
  output: Output,
): void {
  const fresh = new Set([...added, ...changed]);
  const named = doubts.filter(({ name }) => fresh.has(name)).map(({ name, about }) => `${name} (${about})`);
  if (named.length === 0) return;
  const more = named.length > SHOWN ? ` and ${named.length - SHOWN} more` : "";
  const fault = `tools read these values in different ways: ${named.slice(0, SHOWN).join(", ")}${more}`;
  if (strict) {
    throw new InputError(`${fault}; nothing was written`, {
      hint: "put each between single quotes as it is meant, or import the file with --from=<tool> as that tool wrote it",
    });
  }
  output.warn(`${fault}; compare with \`vsync get\`, or import with --from=<tool> what that tool wrote`);
}
