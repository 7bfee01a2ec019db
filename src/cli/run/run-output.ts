import type { Item } from "../../vault/item.ts";
import type { Output } from "../terminal/output.ts";
import { type ChildOutput, SHARED_OUTPUT } from "./child-output.ts";

/** The masking code is loaded only where it is asked for, so that other programs start without it. */
export async function runOutput(
  { redact }: { readonly redact: boolean },
  items: readonly Item[],
  output: Output,
): Promise<ChildOutput> {
  if (!redact) return SHARED_OUTPUT;
  const { maskedOutput } = await import("./redaction.ts");
  return maskedOutput(items, output);
}
