import { isUtf8 } from "node:buffer";
import type { Secret } from "../../crypto/secret.ts";
import { MAX_MODE, MAX_NAME_BYTES } from "./limits.ts";

export type ItemKind = "secret" | "file";

/** A named secret (its data is UTF-8 text) or a named file. */
export interface NamedData {
  readonly name: string;
  readonly kind: ItemKind;
  /** Permission bits 0…0o777, files only. */
  readonly mode?: number;
  readonly data: Secret;
}

/** The items of a vault at one generation. */
export interface Item extends NamedData {
  /** 16 lower-case hex digits, drawn anew in every generation. */
  readonly id: string;
}

/** Why readers would refuse an item, as the end of a message; null for a good one (`docs/format.md` §4). */
export function itemFault({ name, kind, mode = 0, data }: NamedData): string | null {
  const nameFault = itemNameFault(name, kind);
  if (nameFault !== null) return `has a name that ${nameFault}`;
  if (kind === "secret") return isUtf8(data.expose()) ? null : "must be UTF-8 text: other bytes go into a file";
  return Number.isInteger(mode) && mode >= 0 && mode <= MAX_MODE ? null : "must have a mode of 0…0o777";
}

/** Why a name is refused, as the end of a message; null for a good one (`docs/format.md` §4). */
export function itemNameFault(name: string, kind: ItemKind): string | null {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > MAX_NAME_BYTES) return `must have 1…${MAX_NAME_BYTES} bytes`;
  if (!name.isWellFormed()) return "must be well-formed text";
  if (hasControlCharacter(name)) return "must not have control characters";
  return kind === "file" ? fileNameFault(name) : null;
}

function hasControlCharacter(name: string): boolean {
  return /\p{Cc}/u.test(name);
}

function fileNameFault(name: string): string | null {
  if (name.includes("\\")) return "must not have a backslash";
  const segments = name.split("/");
  if (segments.includes("")) return "must be relative and without empty segments";
  if (segments.some((segment) => segment === "." || segment === "..")) return "must not have a segment . or ..";
  return null;
}
