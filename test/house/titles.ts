import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Whether a test or a section of a script has a title that starts like this. `file` is relative to the repository. */
export function hasTitle(file: string, start: string): boolean {
  const source = readFileSync(join(import.meta.dirname, "../..", file), "utf8").replaceAll(/\s+/g, " ");
  const literally = start.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const named = `[([]\\s*(["'\`])${literally}(?:(?!\\1).)*\\1,`;
  return new RegExp(file.endsWith(".txt") ? `## ${literally}` : named).test(source);
}
