import type { Item } from "../../vault/item.ts";
import { printableJson } from "../terminal/printable.ts";
import { encodeDocker } from "./encode-docker.ts";
import { encodeDotenvExport } from "./encode-dotenv.ts";
import { jsonExport } from "./encode-json.ts";
import { encodeK8s, type SecretMetadata } from "./encode-k8s.ts";
import { encodeShell } from "./encode-shell.ts";

export const EXPORT_FORMATS = ["dotenv", "json", "k8s", "docker", "shell"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The items in a format, to the byte. @throws InputError naming an item that the format cannot carry, and one that can */
export function encodeItems(items: readonly Item[], format: ExportFormat, metadata: SecretMetadata): string {
  switch (format) {
    case "dotenv":
      return encodeDotenvExport(items);
    case "json":
      return `${printableJson(jsonExport(items))}\n`;
    case "k8s":
      return encodeK8s(items, metadata);
    case "docker":
      return encodeDocker(items);
    case "shell":
      return encodeShell(items);
    default:
      return format satisfies never;
  }
}
