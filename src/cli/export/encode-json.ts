import type { Item } from "../../vault/item.ts";
import { modeText } from "../disk/mode-text.ts";

/** One object: a secret is a string, a file is `{"base64": "…", "mode": "0640"}`. `vsync import` reads it back. */
export function jsonExport(items: readonly Item[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(items.map((item) => [item.name, valueOf(item)]));
}

function valueOf({ kind, mode, data }: Item): unknown {
  if (kind === "secret") return data.exposeText();
  const base64 = Buffer.from(data.expose()).toString("base64");
  return mode === undefined ? { base64 } : { base64, mode: modeText(mode) };
}
