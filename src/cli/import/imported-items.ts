import { isUtf8 } from "node:buffer";
import { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import { itemNameFault } from "../../vault/format/item.ts";
import type { NamedData } from "../../vault/items/changes.ts";
import type { RepeatedKey } from "../config/json-tree.ts";
import type { Doubt, ReadItems } from "../items/dotenv/doubts.ts";
import { isVariableName, refuseCiphertext } from "../items/dotenv/secret-text.ts";

const NAME_HINT =
  "rename it with --rename=db-password=DB_PASSWORD, or all of them with --upper; or store a file: vsync set --file";
export const FLAT_HINT = "make it flat, a name and a value each, or give --flatten=__ for names such as db__host";
const BYTES_HINT = "store bytes that are not text as a file: vsync set --file=<name>=<path>";

/** Where a name is in an input, for messages: `secrets.yaml: line 3`, `secrets/tls.key`. */
export type Place = string;

export function placeAt(label: string, line: number): Place {
  return `${label}: line ${line}`;
}

/** The name for a message, or nothing if it does not look like a name: it may be a misplaced secret. */
export function shownName(name: string): string {
  return /^[\w./-]{1,64}$/.test(name) ? ` ${name}` : "";
}

export function repeatedKey({ name, line, before }: RepeatedKey, label: string): InputError {
  return new InputError(
    `${placeAt(label, line)} has a key${shownName(name)} that appears twice: also on line ${before}`,
    {
      hint: "leave one of them",
    },
  );
}

function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}

/**
 * Parses `old=new` from `--rename`.
 *
 * @throws InputError it is malformed, or renames one name twice
 */
export function renamesOf(given: readonly string[] = []): ReadonlyMap<string, string> {
  const renames = new Map<string, string>();
  for (const text of given) {
    const [, from, to] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
    if (from === undefined || to === undefined) {
      throw new InputError("--rename must be <name>=<name>", { hint: "as in --rename=db-password=DB_PASSWORD" });
    }
    if (renames.has(from)) throw new InputError(`--rename names ${from} twice`, { hint: "give each name once" });
    renames.set(from, to);
  }
  return renames;
}

interface AsSecret {
  /** The bytes to store as a secret, if they differ from those of a file. */
  readonly value?: Uint8Array;
  /** Follows `it is not text` in a message. */
  readonly notText?: string;
}

/** How entries are renamed. */
export interface NameMap {
  readonly renames: ReadonlyMap<string, string>;
  /**
   * Whether all other names become upper case, with `_` for characters that no variable's name has: `db-password`
   * becomes `DB_PASSWORD`.
   */
  readonly isUpper: boolean;
}

function upperName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, "_").toUpperCase();
}

/** Collects the items of an input. Every method throws an InputError that names the place, but never a value. */
export class ImportedItems {
  readonly #label: string;
  readonly #names: NameMap;
  readonly #items: NamedData[] = [];
  readonly #places = new Map<string, Place>();
  readonly #renamed = new Set<string>();
  readonly #warnings: string[] = [];
  readonly #doubts = new Map<string, Doubt>();
  /** Names of texts that become files, because no variable can have such a name. */
  readonly #misnamed: string[] = [];

  constructor(label: string, names: NameMap) {
    this.#label = label;
    this.#names = names;
  }

  /**
   * @throws InputError the input is empty, or lacks a name given to `--rename`
   */
  finish(): ReadItems & { readonly warnings: readonly string[] } {
    if (this.#items.length === 0) {
      throw new InputError(`${this.#label} holds no names`, { hint: "check the input, and its --format" });
    }
    for (const name of this.#names.renames.keys()) {
      if (!this.#renamed.has(name)) {
        throw new InputError(`${this.#label} has no name ${name}`, { hint: "check the names after --rename" });
      }
    }
    const warnings = [...this.#warnings, ...this.#misnamedWarning()];
    return { items: this.#items, doubts: [...this.#doubts.values()], warnings };
  }

  warn(text: string): void {
    this.#warnings.push(text);
  }

  /** @param about as in `Doubt` */
  doubt(given: string, about: string): void {
    const name = this.#variableFor(given);
    this.#doubts.set(name, { name, about });
  }

  /** Adds a secret. Its name must be a variable's, as for `vsync set`. */
  addSecret(given: string, text: string, place: Place): void {
    const name = this.#variableFor(given);
    if (!isVariableName(name)) {
      throw new InputError(`${place} has a name${shownName(name)} that no variable can have`, { hint: NAME_HINT });
    }
    if (text.includes("\0")) throw new InputError(`${place} has a NUL character in ${name}`, { hint: BYTES_HINT });
    requireWellFormed(text, name, place);
    refuseCiphertext(name, text, place);
    this.#add({ name, kind: "secret", data: Secret.ofText(text) }, place);
  }

  addFile(given: string, bytes: Uint8Array, place: Place, mode?: number): void {
    const name = this.#rename(given) ?? given;
    const fault = itemNameFault(name, "file");
    if (fault !== null) throw new InputError(`${place} has a file whose name ${fault}`, { hint: "rename it there" });
    this.#add({ name, kind: "file", ...(mode === undefined ? {} : { mode }), data: Secret.ofBytes(bytes) }, place);
  }

  /** Adds a secret if it can be one, else a file, because a mounted secret is a file. */
  addBytes(given: string, bytes: Uint8Array, place: Place, { value = bytes, notText = "" }: AsSecret = {}): void {
    const name = this.#variableFor(given);
    if (isVariableName(name) && isText(bytes)) {
      return this.#add({ name, kind: "secret", data: Secret.ofBytes(value) }, place);
    }
    if (isText(bytes)) this.#misnamed.push(given);
    // A name such as tls.p12 clearly means a file, so it needs no warning.
    else if (!(this.#names.renames.get(given) ?? given).includes(".")) {
      this.warn(`${place}: ${given} becomes a file, because it is not text${notText}`);
    }
    this.addFile(given, bytes, place);
  }

  #rename(name: string): string | undefined {
    const renamed = this.#names.renames.get(name);
    if (renamed !== undefined) this.#renamed.add(name);
    return renamed;
  }

  #variableFor(name: string): string {
    return this.#rename(name) ?? (this.#names.isUpper ? upperName(name) : name);
  }

  #misnamedWarning(): readonly string[] {
    const [first] = this.#misnamed;
    if (first === undefined) return [];
    return [
      `these become files, because no variable can have such a name: ${this.#misnamed.join(", ")}; ` +
        `with --rename=${first}=${upperName(first)}, or --upper, it becomes a secret`,
    ];
  }

  #add(item: NamedData, place: Place): void {
    const before = this.#places.get(item.name);
    if (before !== undefined) {
      throw new InputError(`${place} has a name${shownName(item.name)} that appears twice: also at ${before}`, {
        hint: "leave one of them",
      });
    }
    this.#places.set(item.name, place);
    this.#items.push(item);
  }
}

/**
 * A lone surrogate has no UTF-8 form and would be stored as U+FFFD.
 *
 * @throws InputError the text contains one
 */
export function requireWellFormed(text: string, name: string, place: Place): void {
  if (text.isWellFormed()) return;
  throw new InputError(`${place} has half a surrogate pair in${shownName(name) || " a value"}`, {
    hint: "write both halves, as in \\ud83d\\ude00, or the character itself",
  });
}
