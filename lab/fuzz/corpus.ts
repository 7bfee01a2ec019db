import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { formatTargets } from "./format-targets.ts";
import { IMPORT_TARGETS } from "./import-targets.ts";
import { INPUT_TARGETS } from "./input-targets.ts";
import type { Target } from "./target.ts";

/** All targets. */
export async function targets(): Promise<readonly Target[]> {
  return [...(await formatTargets()), ...INPUT_TARGETS, ...IMPORT_TARGETS];
}

/** `corpus`: inputs that together run all code ever reached. `regressions`: inputs that once broke a promise. */
export type Kind = "corpus" | "regressions";

const fileOf = (target: Target, kind: Kind): URL => new URL(`${kind}/${target.name}.txt`, import.meta.url);

/** One input per line, in base64, because most are not text. */
export function kept(target: Target, kind: Kind): readonly Uint8Array[] {
  const file = fileOf(target, kind);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => new Uint8Array(Buffer.from(line, "base64")));
}

export function keep(target: Target, kind: Kind, inputs: readonly Uint8Array[]): void {
  const lines = inputs.map((input) => `${Buffer.from(input).toString("base64")}\n`);
  writeFileSync(fileOf(target, kind), lines.join(""));
}
