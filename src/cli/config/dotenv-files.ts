import { readdir } from "node:fs/promises";

/** Of examples there is nothing to push. */
const EXAMPLES = new Set(["example", "sample", "template", "defaults", "dist", "local"]);

/** The envs that a folder has a dotenv file for, sorted: `prod` of `.env.prod`. */
export async function listDotenvEnvs(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const envs = names.flatMap((name) => /^\.env\.([A-Za-z0-9_-]+)$/.exec(name)?.[1] ?? []);
  return envs.filter((env) => !EXAMPLES.has(env)).toSorted();
}
