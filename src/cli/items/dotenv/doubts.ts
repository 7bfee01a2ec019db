import { InputError } from "../../../errors.ts";
import type { Changes, NamedData } from "../../../vault/items/changes.ts";
import { firstOf } from "../../terminal/consent.ts";
import type { Output } from "../../terminal/output.ts";

/** A value in a dotenv file that tools read in different ways. */
export interface Doubt {
  readonly name: string;
  /** What they disagree about, such as `a backslash`. */
  readonly about: string;
}

export interface ReadItems {
  readonly items: readonly NamedData[];
  readonly doubts: readonly Doubt[];
}

const SHOWN = 20;

/** What tools disagree about in a value as written, including its quotes; null if they agree. */
export function doubtAbout(written: string): string | null {
  const quote = /^['"`]/.exec(written)?.[0];
  if (quote === "'" || quote === "`") return /\\[\\'`]/.test(written.slice(1, -1)) ? "a backslash" : null;
  if (quote === '"' ? /\\(?:[^nr]|$)/.test(written.slice(1, -1)) : /\\(?:[nr"'$`\\]|$)/.test(written))
    return "a backslash";
  if (written.includes("$$")) return "$$";
  if (/\$\{?[A-Za-z_]/.test(written)) return "a $ before a name";
  if (written.includes("$(")) return "$(";
  if (quote !== undefined) return null;
  // Two variables in a shell. Connection strings have names with small letters, or no space.
  if (/;\s+(?:export\s+)?[A-Z_][A-Z0-9_]*=/.test(written)) return "a ; before another name";
  if (!written.includes("#")) return null;
  return /\s#/.test(written) ? "a # after a space" : "a #";
}

/**
 * Things that people cannot see in a value, or that copying and piping added. A text of several lines usually ends in a
 * line end.
 */
const ODDITIES: readonly (readonly [what: string, isIn: (text: string, name: string) => boolean])[] = [
  ["begins with a byte order mark", (text) => text.startsWith("\ufeff")],
  ["begins with its own name", (text, name) => text.startsWith(`${name}=`)],
  ["is a reference that 1Password resolves", (text) => text.startsWith("op://")],
  ["is a reference, not a value", (text) => /^(?:ref\+\w+:\/\/|@Microsoft\.KeyVault\(|\$\{\{.*\}\}$)/.test(text)],
  ["opens a vault itself", (_, name) => /^VSYNC_(?:(?:\w+_)?PASSPHRASE|TOKEN|CONFIG|(?:APP_)?SECRET_KEY)$/.test(name)],
  ["is a placeholder, not a value", (text) => PLACEHOLDER.test(text)],
  ["is in quotes", isQuoted],
  ["begins with white space", (text) => /^\s/.test(text) && isOneLine(text)],
  ["ends in a line end", (text) => /[\r\n]$/.test(text) && isOneLine(text)],
  ["ends in white space", (text) => /\s$/.test(text) && isOneLine(text)],
  ["has carriage returns", (text) => text.includes("\r")],
  ["has a control character", (text) => /(?![\t\n])\p{Cc}/u.test(text)],
  ["has an invisible character", (text) => /[\u00ad\u200b\u2060\ufeff]/.test(text)],
];

/** Not a regular expression, because a value may have 60 MiB. */
function isQuoted(text: string): boolean {
  const [first = ""] = text;
  const last = text.at(-1) ?? "";
  if (/[“„‘«]/.test(first) && /[”“’»]/.test(last)) return true;
  return text.length > 2 && /["'`]/.test(first) && last === first && text.indexOf(first, 1) === text.length - 1;
}

/** What programs print for a missing value (`jq -r`, JavaScript, Go), or in place of a masked one. */
const PLACEHOLDER =
  /^(?:null|undefined|<nil>|\[object Object\]|\*{3,}|[[<(](?:sensitive|redacted|masked|restricted)(?: value)?[\])>])$/i;

const isOneLine = (text: string): boolean => !/[\r\n]/.test(text.trim());

/** What looks unintended in a value, as the end of a message; null for most values. */
export function oddityOf(name: string, text: string): string | null {
  return ODDITIES.find(([, isIn]) => isIn(text, name))?.[0] ?? null;
}

/**
 * Warns of doubtful values, and of names that differ from others only in case. It looks only at what is new in the
 * vault, because the rest was accepted before.
 *
 * @throws InputError a value is doubtful and `strict` is set
 */
export function settleDoubts(
  { items, doubts }: ReadItems,
  changes: Changes,
  { strict }: { readonly strict?: boolean },
  output: Output,
): void {
  warnOfCase(changes, output);
  const fresh = new Set([...changes.added, ...changes.changed]);
  const odd = items.flatMap(({ name, kind, data }) => {
    const about = kind === "secret" && fresh.has(name) ? oddityOf(name, data.exposeText()) : null;
    return about === null ? [] : [{ name, about }];
  });
  const faults = [
    {
      named: listed(doubts.filter(({ name }) => fresh.has(name))),
      what: "tools read these values in different ways",
      hint: "put each between single quotes, exactly as you mean it, or import the file with --from=<tool> as that tool wrote it",
      onward: "compare with `vsync get`, or import with --from=<tool> what that tool wrote",
    },
    {
      named: listed(odd),
      what: "these values may not be what you meant",
      hint: "mend them in the input, or take them as they are without --strict",
      onward: "each is stored as given; `vsync set` replaces one",
    },
  ];
  for (const { named, what, hint, onward } of faults) {
    if (named === "") continue;
    if (strict) throw new InputError(`${what}: ${named}; nothing was written`, { hint });
    output.warn(`${what}: ${named}; ${onward}`);
  }
}

function listed(doubts: readonly Doubt[]): string {
  return firstOf(
    doubts.map(({ name, about }) => `${name} (${about})`),
    SHOWN,
  );
}

function warnOfCase({ added, changed, unchanged }: Changes, output: Output): void {
  const spellings = new Map<string, string>();
  for (const name of [...unchanged, ...changed]) spellings.set(name.toUpperCase(), name);
  for (const name of added) {
    const other = spellings.get(name.toUpperCase());
    if (other !== undefined) output.warn(`${name} and ${other} differ only in case: Windows takes both for one`);
    spellings.set(name.toUpperCase(), name);
  }
}
