import { readFile } from "node:fs/promises";
import { writePrivateFile } from "../../disk/private-file.ts";
import type { TokenSummary } from "../../vault/tokens/summary.ts";
import { configPath } from "../config/paths.ts";
import type { Target } from "../config/target.ts";

/**
 * The ids and names of the last `tokens list`, next to the config. Completion uses them, because it must not wait for
 * the network.
 */

const pathOf = (target: Pick<Target, "repo" | "env">): string => configPath(target).replace(/\.json$/, ".tokens");

/** Saves what completion offers. A failure is silent, because the list has been shown. */
export async function rememberTokens(target: Target, tokens: readonly TokenSummary[]): Promise<void> {
  const live = tokens.filter(({ status }) => status === "active");
  const lines = live.map(({ id, claims: { name } }) => `${name ?? ""}\t${id}\n`);
  await writePrivateFile(pathOf(target), lines.join("")).catch(() => undefined);
}

/** The tokens' names, or ids for tokens without a name. */
export async function knownTokens(target: Pick<Target, "repo" | "env">): Promise<readonly string[]> {
  const text = await readFile(pathOf(target), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const [name = "", id = ""] = line.split("\t");
    return id === "" ? [] : [name === "" ? id : name];
  });
}
