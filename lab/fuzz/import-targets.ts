import assert from "node:assert/strict";
import { type ExportFormat, encodeItems } from "../../src/cli/export/formats.ts";
import type { ImportFormat } from "../../src/cli/import/read-import.ts";
import { readImport } from "../../src/cli/import/read-import.ts";
import type { SecretSources } from "../../src/cli/inputs/secret-input.ts";
import { InputError } from "../../src/errors.ts";
import type { NamedData } from "../../src/vault/items/changes.ts";
import { bytesOf, checkRefusal, type Target } from "./target.ts";

const SEEDS: Readonly<Record<ImportFormat | "any", readonly string[]>> = {
  dotenv: ["A=1\nB='x y'\n"],
  docker: ["# c\nA=1\n  B= x 'y'\r\n"],
  json: ['{"A":"1","B":2.50,"C":true,"f":{"base64":"AP8=","mode":"0640"}}', '{"A":{"b":[1]}}'],
  yaml: ["A: 1\nB: 'x'\nC: |\n  two\n  lines\n", "? A\n: &x 1\nB: *x\n", "--- {A: !!str 1}\n...\n---\n"],
  k8s: [
    "apiVersion: v1\nkind: Secret\ndata:\n  A: MQ==\nstringData:\n  B: x\n---\napiVersion: v1\nkind: ConfigMap\n",
    '{"kind":"SecretList","apiVersion":"v1","items":[{"data":{"A":"MQ=="}}]}',
  ],
  any: ['{"apiVersion":"v1","kind":"Secret","data":{"A":"MQ=="}}', "apiVersion: v1\nkind: Secret\n"],
};

/** The export formats that can carry the items of such an import. */
const CARRIERS: readonly ExportFormat[] = ["json", "docker", "k8s", "dotenv"];

async function read(bytes: Uint8Array, format: ImportFormat | undefined): Promise<readonly NamedData[] | null> {
  const sources = {
    stdin: { read: async () => bytes },
    output: { warn: () => undefined },
  } as unknown as SecretSources;
  try {
    return (await readImport({ from: "-", format }, sources)).items;
  } catch (error) {
    checkRefusal(error, [InputError]);
    return null;
  }
}

const plain = (items: readonly NamedData[]) =>
  items
    .map(({ data, ...item }) => ({ ...item, data: Buffer.from(data.expose()).toString("hex") }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** Items survive an export to another format and a second import, unless the format cannot carry them. */
async function checkCarried(items: readonly NamedData[], format: ExportFormat): Promise<void> {
  const whole = items.map((item) => ({ ...item, id: "0011223344556677" }));
  let text: string;
  try {
    text = encodeItems(whole, format, { name: "api" });
  } catch (error) {
    return checkRefusal(error, [InputError]);
  }
  const again = await read(bytesOf(text), format === "shell" ? "dotenv" : format);
  assert.ok(again !== null, `${format} is not read back: ${JSON.stringify(text)}`);
  // A Secret has no mode, and a text file with a variable's name comes back as a secret.
  const withoutKind = (its: readonly NamedData[]) => plain(its).map(({ name, data }) => ({ name, data }));
  const compared = format === "k8s" ? withoutKind : plain;
  assert.deepEqual(compared(again), compared(items), format);
}

/** The parsers for other tools' files. */
export const IMPORT_TARGETS: readonly Target[] = Object.entries(SEEDS).map(([name, seeds]) => ({
  name: `import-${name}`,
  seeds: seeds.map(bytesOf),
  async run(bytes) {
    const items = await read(bytes, name === "any" ? undefined : (name as ImportFormat));
    for (const format of items === null ? [] : CARRIERS) await checkCarried(items ?? [], format);
    return items !== null;
  },
}));
