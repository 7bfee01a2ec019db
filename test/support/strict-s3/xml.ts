import type { S3Error } from "./s3-error.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

export function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

export function document(root: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${content}</${root}>`;
}

export function errorDocument(error: S3Error): string {
  const fields = Object.entries(error.fields).map(([name, text]) => element(name, text));
  return document(
    "Error",
    [element("Code", error.code), element("Message", error.message), ...fields, element("RequestId", "0")].join(""),
  );
}
