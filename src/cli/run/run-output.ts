import type { Item } from "../../vault/item.ts";
import type { Output } from "../terminal/output.ts";
import { type ChildOutput, SHARED_OUTPUT } from "./child-output.ts";

/** What masks is loaded where it is asked for: most programs are to start at once. */
export async function runOutput(
  { redact }: { readonly redact: boolean },
  items: readonly Item[],
  output: Output,
): Promise<ChildOutput> {
  if (!redact) return SHARED_OUTPUT;
  const { maskedOutput } = await import("./redaction.ts");
  return maskedOutput(items, output);
}
