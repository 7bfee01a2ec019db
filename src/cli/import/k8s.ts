import { decodeBase64 } from "../../crypto/base64.ts";
import { InputError } from "../../errors.ts";
import { MAX_MODE } from "../../vault/format/limits.ts";
import type { Tree, TreeEntry } from "../config/json-tree.ts";
import { FILES_ANNOTATION, parseFilesAnnotation } from "../export/k8s.ts";
import { type ImportedItems, type Place, placeAt, requireWellFormed, shownName } from "./imported-items.ts";

const NEVER_ENCODED = " once decoded: if it was never encoded, move it to stringData";
const NO_ENTRIES: ReadonlyMap<string, TreeEntry> = new Map();

/** Whether a document is a Kubernetes object. A flat object of secrets does not have both of these names. */
export function isKubernetes(document: Tree | undefined): boolean {
  return textAt(document, "apiVersion") !== null && textAt(document, "kind") !== null;
}

/**
 * Reads the Secrets of a Kubernetes manifest, which may be a stream or a List: `data` (base64) and `stringData`, which
 * overrides `data` as in Kubernetes.
 *
 * @throws InputError naming the line; or the manifest contains no Secret
 */
export function readK8s(documents: readonly Tree[], label: string, imported: ImportedItems): void {
  const objects = documents.flatMap(objectsIn);
  const secrets = objects.filter((object) => textAt(object, "kind") === "Secret");
  for (const object of objects) {
    if (secrets.includes(object)) addSecret(imported, object, label);
    else {
      const kind = shownName(textAt(object, "kind") ?? "") || " something else";
      imported.warn(`${placeAt(label, object.line)}: left out, not a Secret but${kind}`);
    }
  }
  if (secrets.length > 0) return;
  const [other] = objects.filter(isKubernetes).map((object) => shownName(textAt(object, "kind") ?? ""));
  throw new InputError(`${label} holds no Kubernetes Secret${other ? ` (kind:${other})` : ""}`, {
    hint:
      other === undefined
        ? "name its format with --format=json or --format=yaml"
        : "kubectl get secret <name> -o yaml prints one as the cluster has it",
  });
}

function objectsIn(document: Tree): readonly Tree[] {
  const kind = textAt(document, "kind");
  const items = document.kind === "map" ? document.entries.get("items")?.value : undefined;
  if (items?.kind === "list" && (kind === "List" || kind === "SecretList")) {
    // The items of a SecretList may omit their kind.
    return items.items.flatMap((item) =>
      kind === "SecretList" && textAt(item, "kind") === null ? named(item) : objectsIn(item),
    );
  }
  return document.kind === "scalar" && document.text === null ? [] : [document];
}

function named(item: Tree): readonly Tree[] {
  if (item.kind !== "map") return [item];
  const kind: TreeEntry = { line: item.line, value: { kind: "scalar", line: item.line, text: "Secret" } };
  return [{ ...item, entries: new Map([...item.entries, ["kind", kind]]) }];
}

function addSecret(imported: ImportedItems, object: Tree, label: string): void {
  const texts = mapAt(object, "stringData", label);
  const files = filesIn(object, label);
  const add = (name: string, bytes: Uint8Array, place: Place, notText: string): void => {
    if (files.has(name)) imported.addFile(name, bytes, place, files.get(name));
    else imported.addBytes(name, bytes, place, { notText });
  };
  for (const [name, { line, value }] of mapAt(object, "data", label)) {
    if (texts.has(name)) continue;
    const place = placeAt(label, line);
    add(name, decodedBase64(scalarOf(value, name, place), place), place, NEVER_ENCODED);
  }
  for (const [name, { line, value }] of texts) {
    const place = placeAt(label, line);
    const text = scalarOf(value, name, place);
    requireWellFormed(text, name, place);
    add(name, Buffer.from(text), place, "");
  }
}

/** The files in a Secret that `vsync export` wrote, with their modes. */
function filesIn(object: Tree, label: string): ReadonlyMap<string, number | undefined> {
  const metadata = object.kind === "map" ? object.entries.get("metadata")?.value : undefined;
  const annotations = metadata?.kind === "map" ? metadata.entries.get("annotations")?.value : undefined;
  const note = textAt(annotations, FILES_ANNOTATION);
  const files = note === null ? new Map() : parseFilesAnnotation(note);
  if (files !== null) return files;
  const line = annotations?.line ?? object.line;
  throw new InputError(`${placeAt(label, line)} has an annotation ${FILES_ANNOTATION} that vsync did not write`, {
    hint: "leave it out, or export the Secret again",
  });
}

function scalarOf(value: Tree, name: string, place: string): string {
  if (value.kind === "scalar" && value.text !== null) return value.text;
  throw new InputError(`${place} has no text for${shownName(name) || " a key"}`, { hint: "write a string there" });
}

/** The map under a key, empty if the key is absent. */
function mapAt(object: Tree, key: string, label: string): ReadonlyMap<string, TreeEntry> {
  const entry = object.kind === "map" ? object.entries.get(key) : undefined;
  if (entry === undefined || (entry.value.kind === "scalar" && entry.value.text === null)) return NO_ENTRIES;
  if (entry.value.kind === "map") return entry.value.entries;
  throw new InputError(`${placeAt(label, entry.line)} has ${key} that is not a map of keys and values`, {
    hint: "check the indentation there",
  });
}

function textAt(tree: Tree | undefined, key: string): string | null {
  const value = tree?.kind === "map" ? tree.entries.get(key)?.value : undefined;
  return value?.kind === "scalar" ? value.text : null;
}

/**
 * Decodes base64, ignoring white space.
 *
 * @throws InputError naming the place
 */
export function decodedBase64(text: string | null, place: Place): Uint8Array {
  const bytes = decodeBase64((text ?? "").replaceAll(/\s/g, ""));
  if (bytes !== null) return bytes;
  throw new InputError(`${place} has a value that is not base64`, {
    hint: "encode it with `base64`, or write it as text",
  });
}

/**
 * Parses `0640`, as `vsync export` writes it.
 *
 * @throws InputError it is not a file mode
 */
export function modeIn(tree: Tree | undefined, place: Place): number | undefined {
  if (tree === undefined) return undefined;
  const text = tree.kind === "scalar" ? (tree.text ?? "") : "";
  const mode = /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : MAX_MODE + 1;
  if (mode <= MAX_MODE) return mode;
  throw new InputError(`${place} has a file with an invalid mode`, { hint: 'write it in octal, as in "0640"' });
}
