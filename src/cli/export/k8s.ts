import { modeText } from "../../disk/posix.ts";
import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import { cannotCarry } from "./cannot-carry.ts";

/** Kubernetes' limit for one Secret. */
const MAX_SECRET_BYTES = 1024 * 1024;
const MAX_NAME_CHARACTERS = 253;
const MAX_NAMESPACE_CHARACTERS = 63;
const LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";

export interface SecretMetadata {
  /** `metadata.name`: lower-case letters, digits, dashes and dots. */
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
}

/**
 * @throws InputError metadata is given for another format, or for k8s the name is missing or invalid
 */
export function checkMetadata(format: string, { name, namespace }: SecretMetadata): void {
  if (format === "k8s") requireSecretName({ name, namespace });
  else if (name !== undefined || namespace !== undefined) {
    throw new InputError("--name and --namespace are for a Kubernetes Secret", {
      hint: "leave them out, or give --format=k8s",
    });
  }
}

function requireSecretName({ name, namespace }: SecretMetadata): string {
  if (name === undefined)
    throw new InputError("a Kubernetes Secret needs a name", { hint: "give it with --name=<name>" });
  refuseUnless(new RegExp(`^${LABEL}(?:\\.${LABEL})*$`), "name", name, MAX_NAME_CHARACTERS);
  if (namespace !== undefined) refuseUnless(new RegExp(`^${LABEL}$`), "namespace", namespace, MAX_NAMESPACE_CHARACTERS);
  return name;
}

function refuseUnless(pattern: RegExp, flag: string, value: string, maxCharacters: number): void {
  if (value.length <= maxCharacters && pattern.test(value)) return;
  throw new InputError(`--${flag} is not a valid name in Kubernetes`, {
    hint: `use lower case letters, digits and dashes, as in acme-api, at most ${maxCharacters}`,
  });
}

/**
 * A Secret manifest in YAML with every item as base64 in `data`.
 *
 * @throws InputError Kubernetes would refuse a name, the metadata or the size
 */
export function encodeK8s(items: readonly Item[], { name, namespace }: SecretMetadata): string {
  const metadata = {
    name: requireSecretName({ name, namespace }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  const files = items.filter(({ kind }) => kind === "file");
  refuseTooLarge(items);
  const data = items.map((item) => [keyOf(item), Buffer.from(item.data.expose()).toString("base64")] as const);
  return [
    "apiVersion: v1",
    "kind: Secret",
    "metadata:",
    ...Object.entries(metadata).map(pairOf),
    ...(files.length === 0 ? [] : ["  annotations:", `  ${pairOf([FILES_ANNOTATION, files.map(fileNote).join(",")])}`]),
    "type: Opaque",
    data.length === 0 ? "data: {}" : "data:",
    ...data.map(pairOf),
    "",
  ].join("\n");
}

/** Quoted, because YAML would read some plain words as numbers, dates or booleans. */
function pairOf([key, value]: readonly [string, string]): string {
  return `  "${key}": "${value}"`;
}

function keyOf(item: Item): string {
  const { name } = item;
  const isKey = /^[-._A-Za-z0-9]{1,253}$/.test(name) && name !== "." && !name.startsWith("..");
  if (isKey) return name;
  throw cannotCarry("k8s", item, "a key may only have letters, digits, dashes, underscores and dots", ["json"]);
}

function refuseTooLarge(items: readonly Item[]): void {
  const bytes = items.reduce((sum, { data }) => sum + data.expose().length, 0);
  if (bytes <= MAX_SECRET_BYTES) return;
  throw new InputError(`this would be a Secret of ${bytes} bytes, and Kubernetes allows ${MAX_SECRET_BYTES}`, {
    hint: "split it with --only=<key>,<key>, or let the program read the vault itself with the library",
  });
}

/**
 * Kubernetes does not tell files from other data. With this annotation a file comes back from the cluster as a file.
 */
export const FILES_ANNOTATION = "vsync-files";

/** `certs.pem=0640`, or only the name for a file without a mode. */
function fileNote({ name, mode }: Item): string {
  return mode === undefined ? name : `${name}=${modeText(mode)}`;
}

/** The files in an annotation, with their modes; null if vsync did not write it. */
export function parseFilesAnnotation(text: string): ReadonlyMap<string, number | undefined> | null {
  const notes = text.split(",").map((note) => /^([-._A-Za-z0-9]+)(?:=0([0-7]{3}))?$/.exec(note));
  const files = new Map<string, number | undefined>();
  for (const note of notes) {
    if (note?.[1] === undefined) return null;
    files.set(note[1], note[2] === undefined ? undefined : Number.parseInt(note[2], 8));
  }
  return files;
}
