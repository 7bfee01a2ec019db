import { join } from "node:path";
import { readRegularFile } from "../../disk/given-file.ts";
import { QUIET } from "../config/local-config.ts";
import { listEnvs, listRepos } from "../config/paths.ts";
import { listDotenvEnvs, workingFolder } from "../config/target.ts";
import { parseDotenv } from "../items/dotenv/dotenv.ts";
import { findRepo } from "../project/which-vault.ts";
import { knownTokens } from "../tokens/known-tokens.ts";

/** Reading a larger file would hold up the user's typing. */
const MAX_DOTENV_BYTES = 4 * 1024 * 1024;

/** The names in this machine's files. It never asks a store or for a passphrase. */
export interface KnownNames {
  repos(): Promise<readonly string[]>;
  /** @param repo the value of `--repo`, if given */
  envs(repo: string | undefined): Promise<readonly string[]>;
  /** The names (never the values) in this folder's `.env.<env>`, or in all such files if the env is unknown. */
  keys(env: string | undefined): Promise<readonly string[]>;
  /** The tokens that the last `tokens list` showed here. Empty unless both repo and env are known. */
  tokens(repo: string | undefined, env: string | undefined): Promise<readonly string[]>;
}

export function knownNames(variables: Readonly<Record<string, string | undefined>>): KnownNames {
  const folder = workingFolder();
  const find = (repo: string | undefined) => findRepo(repo, { variables, folder, warn: QUIET });
  return {
    repos: listRepos,
    envs: async (repo) => {
      const found = await find(repo);
      return found === null ? [] : listEnvs(found.name);
    },
    tokens: async (repo, env) => {
      const found = await find(repo);
      return found === null || env === undefined ? [] : knownTokens({ repo: found.name, env });
    },
    keys: async (env) => {
      const envs = env === undefined ? await listDotenvEnvs(folder) : [env];
      const names = await Promise.all(envs.map((it) => namesIn(join(folder, `.env.${it}`))));
      return [...new Set(names.flat())].toSorted();
    },
  };
}

/** Empty if the file cannot be read: completion reports no errors. */
async function namesIn(path: string): Promise<readonly string[]> {
  try {
    const bytes = (await readRegularFile(path, MAX_DOTENV_BYTES, "")).bytes;
    return parseDotenv(bytes, path).entries.map(({ name }) => name);
  } catch {
    return [];
  }
}
