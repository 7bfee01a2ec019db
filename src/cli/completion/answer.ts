import type { Manifest } from "@oclif/core/interfaces";
import type { Output } from "../terminal/output.ts";
import { complete } from "./complete.ts";
import { knownNames } from "./known-names.ts";

/** What a shell's command line may hold unquoted. */
const PLAIN = /^[\w.,=:/@+-]+$/;

/**
 * `vsync completion words -- word…`: what the scripts of `vsync completion <shell>` ask. One candidate a line, a tab before
 * what it is about; or `:files`, `:folders`, `:programs`. Somebody is typing: whatever goes wrong, it says nothing.
 */
export async function answerShell(
  words: readonly string[],
  manifest: Manifest,
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): Promise<void> {
  try {
    const completion = await complete(words[0] === "--" ? words.slice(1) : words, manifest, knownNames(env));
    if (typeof completion === "string") return output.line(`:${completion}`);
    const safe = completion.filter(({ word }) => PLAIN.test(word));
    output.raw(safe.map(({ word, about }) => `${word}\t${about.replace(/\s+/g, " ")}\n`).join(""));
  } catch {
    // nothing to offer
  }
}
