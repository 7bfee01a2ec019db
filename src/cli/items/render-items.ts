import { modeText } from "../../disk/posix.ts";
import { InputError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import type { OpenedVault } from "../../vault/open/open.ts";
import type { Output } from "../terminal/output.ts";

export interface ValueFormat {
  readonly raw: boolean;
  readonly json: boolean;
}

/**
 * Prints a value as a line, as its bytes, or as JSON.
 *
 * @throws InputError the item is a file and should be printed as a line
 */
export function renderValue(item: Item, { raw, json }: ValueFormat, output: Output): void {
  if (json) return output.json(valueOf(item));
  if (raw) return output.raw(item.data.expose());
  if (item.kind === "secret") return output.raw(`${item.data.exposeText()}\n`);
  throw new InputError(`${item.name} is a file of ${item.data.expose().length} bytes`, {
    hint: "get its bytes with --raw, or all files at once with `vsync pull`",
  });
}

function valueOf({ name, kind, mode, data }: Item): Record<string, unknown> {
  if (kind === "secret") return { name, kind, value: data.exposeText() };
  return { name, kind, ...modeOf(mode), base64: Buffer.from(data.expose()).toString("base64") };
}

/** Prints names, never values: one per line for programs, a table on a terminal. */
export function renderList(
  { manifest, bundle }: OpenedVault,
  { json }: { readonly json: boolean },
  output: Output,
): void {
  const items = bundle.items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (json) return output.json({ env: manifest.env, generation: manifest.gen, items: items.map(describe) });
  if (items.length === 0) return output.say(`${manifest.env} holds nothing (gen=${manifest.gen})`);
  const hasFiles = items.some(({ kind }) => kind === "file");
  output.table(process.stdout.isTTY && hasFiles ? COLUMNS : COLUMNS.slice(0, 1), items);
}

const COLUMNS = [
  { head: "NAME", cell: ({ name }: Item) => name },
  { head: "KIND", cell: ({ kind }: Item) => kind },
  { head: "SIZE", cell: sizeText, align: "right" as const },
];

/** Sizes of files only: the length of a secret would reveal something about it. */
function sizeText({ kind, data }: Item): string {
  if (kind === "secret") return "";
  const bytes = data.expose().length;
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

function describe({ name, kind, mode, data }: Item): Record<string, unknown> {
  return kind === "secret" ? { name, kind } : { name, kind, size: data.expose().length, ...modeOf(mode) };
}

function modeOf(mode: number | undefined): { readonly mode?: string } {
  return mode === undefined ? {} : { mode: modeText(mode) };
}
