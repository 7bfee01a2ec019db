import { encodeBase64 } from "../../src/crypto/base64.ts";
import type { VectorBytes } from "./vector.ts";

export function bytesOf(value: VectorBytes): Uint8Array {
  if ("utf8" in value) return Buffer.from(value.utf8);
  if ("hex" in value) return Buffer.from(value.hex, "hex");
  return Buffer.from(value.b64, "base64");
}

/** Writes bytes in the form that `expected` has, so both can be compared as JSON. */
export function inFormOf(bytes: Uint8Array, expected: unknown): VectorBytes {
  const form = typeof expected === "object" && expected !== null ? Object.keys(expected)[0] : "hex";
  switch (form) {
    case "utf8":
      return { utf8: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
    case "b64":
      return { b64: encodeBase64(bytes) };
    default:
      return { hex: Buffer.from(bytes).toString("hex") };
  }
}
