import fc from "fast-check";
import { Secret } from "../../src/crypto/secret.ts";
import type { Item } from "../../src/vault/format/item.ts";

/** The same values in every run. */
export const SEED = 20_261_122;

export const secret = (name: string, value: string): Item => ({
  id: "0".repeat(16),
  name,
  kind: "secret",
  data: Secret.ofText(value),
});
export const file = (name: string, bytes: Uint8Array, mode?: number): Item => ({
  id: "1".repeat(16),
  name,
  kind: "file",
  ...(mode === undefined ? {} : { mode }),
  data: Secret.ofBytes(bytes),
});

/** Names that have no special meaning in any shell. */
const variableName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/).map((name) => `X_${name}`);

const TROUBLE = [
  ..." \t\n\r'\"`$\\#=!*?~&;|<>(){}[]%^-+:,@/",
  "\u{1f511}",
  "é",
  "\u0085",
  "\u2028",
  "\ufeff",
  "\u001b",
  "\u007f",
];
/** Any text without a NUL; most of it has a special meaning to some reader. */
export const value = fc.oneof(
  fc.string({ unit: fc.constantFrom(...TROUBLE, "a", "N", "0", "n", "EOF"), maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => text.toWellFormed().replaceAll("\0", "")),
  fc.constantFrom(
    "",
    "$(touch planted)",
    "`touch planted`",
    "${HOME}",
    "-----BEGIN-----\nab=\n-----END-----\n",
    "null",
    "1e3",
    "\n\n",
  ),
);

export function secretsOf(values: Readonly<Record<string, string>>): readonly Item[] {
  return Object.entries(values).map(([name, text]) => secret(name, text));
}

/** A vault's secrets by name. */
export const valuesByName = (of: fc.Arbitrary<string>) =>
  fc.dictionary(variableName, of, { maxKeys: 12, noNullPrototype: true });
