import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/item.ts";
import { cannotCarry } from "./carriage.ts";

/** What Kubernetes takes in one Secret. */
const MAX_SECRET_BYTES = 1024 * 1024;
const MAX_NAME_CHARACTERS = 253;
const MAX_NAMESPACE_CHARACTERS = 63;
const LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";

export interface SecretMetadata {
  /** `metadata.name`: lower case letters, digits, dashes and dots. */
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
}

/** @throws InputError the name is missing, or one that Kubernetes refuses */
export function checkSecretMetadata({ name, namespace }: SecretMetadata): string {
  if (name === undefined)
    throw new InputError("a Kubernetes Secret needs a name", { hint: "give it with --name=<name>" });
  refuseUnless(new RegExp(`^${LABEL}(?:\\.${LABEL})*$`), "name", name, MAX_NAME_CHARACTERS);
  if (namespace !== undefined) refuseUnless(new RegExp(`^${LABEL}$`), "namespace", namespace, MAX_NAMESPACE_CHARACTERS);
  return name;
}

function refuseUnless(pattern: RegExp, flag: string, value: string, maxCharacters: number): void {
  if (value.length <= maxCharacters && pattern.test(value)) return;
  throw new InputError(`--${flag} is not what Kubernetes takes`, {
    hint: `use lower case letters, digits and dashes, as in acme-api, at most ${maxCharacters}`,
  });
}

/**
 * A Secret manifest in YAML, every item base64 in `data`.
 *
 * @throws InputError a name, the metadata or the size is not what Kubernetes takes
 */
export function encodeK8s(items: readonly Item[], { name, namespace }: SecretMetadata): string {
  const metadata = {
    name: checkSecretMetadata({ name, namespace }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  refuseTooLarge(items);
  const data = items.map((item) => [keyOf(item), Buffer.from(item.data.expose()).toString("base64")] as const);
  return [
    "apiVersion: v1",
    "kind: Secret",
    "metadata:",
    ...Object.entries(metadata).map(pairOf),
    "type: Opaque",
    data.length === 0 ? "data: {}" : "data:",
    ...data.map(pairOf),
    "",
  ].join("\n");
}

/** Between double quotes, where no word means a number, a date or no. */
function pairOf([key, value]: readonly [string, string]): string {
  return `  "${key}": "${value}"`;
}

function keyOf(item: Item): string {
  const { name } = item;
  const isKey = /^[-._A-Za-z0-9]{1,253}$/.test(name) && name !== "." && !name.startsWith("..");
  if (isKey) return name;
  throw cannotCarry("k8s", item, "a key has letters, digits, dashes, underscores and dots alone", ["json"]);
}

function refuseTooLarge(items: readonly Item[]): void {
  const bytes = items.reduce((sum, { data }) => sum + data.expose().length, 0);
  if (bytes <= MAX_SECRET_BYTES) return;
  throw new InputError(`this would be a Secret of ${bytes} bytes, and Kubernetes takes ${MAX_SECRET_BYTES}`, {
    hint: "split it with --only=<key>,<key>, or let the program read the vault itself with the library",
  });
}
