import { isUtf8 } from "node:buffer";
import { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { itemNameFault } from "../../vault/format/item.ts";
import { isVariableName } from "../items/secret-text.ts";

const NAME_HINT =
  "use letters, digits and underscores, no digit first; what cannot be a variable can be a file: vsync set --file";
const BYTES_HINT = "store bytes that are not text as a file: vsync set --file=<name>=<path>";

/** The place of a name in an input, for messages: `secrets.yaml: line 3`, `secrets/tls.key`. */
export type Place = string;

export function placeAt(label: string, line: number): Place {
  return `${label}: line ${line}`;
}

/** The name for a message, or nothing if it does not look like a name: it may be a secret in the wrong place. */
export function shownName(name: string): string {
  return /^[\w./-]{1,64}$/.test(name) ? ` ${name}` : "";
}

/** Whether the name is a variable's and the bytes are text. */
export function canBeSecret(name: string, bytes: Uint8Array): boolean {
  return isVariableName(name) && isUtf8(bytes) && !bytes.includes(0);
}

/** Collects the items of an input. Every method throws an InputError that names the place, but never a value. */
export class ImportedItems {
  readonly #items: NamedData[] = [];
  readonly #places = new Map<string, Place>();

  get items(): readonly NamedData[] {
    return this.#items;
  }

  /** Adds a secret. Its name must be a variable's, as for `vsync set`. */
  addSecret(name: string, text: string, place: Place): void {
    if (!isVariableName(name)) {
      throw new InputError(`${place} has a name${shownName(name)} that no variable can have`, { hint: NAME_HINT });
    }
    if (text.includes("\0")) throw new InputError(`${place} has a NUL character in ${name}`, { hint: BYTES_HINT });
    this.#add({ name, kind: "secret", data: Secret.ofText(text) }, place);
  }

  addFile(name: string, bytes: Uint8Array, place: Place, mode?: number): void {
    const fault = itemNameFault(name, "file");
    if (fault !== null) throw new InputError(`${place} has a file whose name ${fault}`, { hint: "rename it there" });
    this.#add({ name, kind: "file", ...(mode === undefined ? {} : { mode }), data: Secret.ofBytes(bytes) }, place);
  }

  /** Adds a secret if it can be one, else a file, which is what a mounted secret is. */
  addBytes(name: string, bytes: Uint8Array, place: Place): void {
    if (canBeSecret(name, bytes)) {
      this.#add({ name, kind: "secret", data: Secret.ofBytes(bytes) }, place);
    } else this.addFile(name, bytes, place);
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
