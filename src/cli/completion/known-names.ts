import { join } from "node:path";
import { readRegularFile } from "../../disk/given-file.ts";
import { listEnvs, listRepos } from "../config/paths.ts";
import { findRepo } from "../config/repo.ts";
import { listDotenvEnvs, workingFolder } from "../config/target.ts";
import { parseDotenv } from "../items/dotenv.ts";

/** Larger files are read when they are pushed, not while somebody types. */
const MAX_DOTENV_BYTES = 4 * 1024 * 1024;

/** The names that this machine knows. Files only: no store is asked, and nobody for a passphrase. */
export interface KnownNames {
  repos(): Promise<readonly string[]>;
  /** @param repo what `--repo` says, if it does */
  envs(repo: string | undefined): Promise<readonly string[]>;
  /** The names in `.env.<env>` of this folder, never a value; without an env those of every such file. */
  keys(env: string | undefined): Promise<readonly string[]>;
}

export function knownNames(variables: Readonly<Record<string, string | undefined>>): KnownNames {
  const folder = workingFolder();
  return {
    repos: listRepos,
    envs: async (repo) => {
      const found = await findRepo({ flag: repo, variables, folder });
      return found === null ? [] : listEnvs(found.name);
    },
    keys: async (env) => {
      const envs = env === undefined ? await listDotenvEnvs(folder) : [env];
      const names = await Promise.all(envs.map((it) => namesIn(join(folder, `.env.${it}`))));
      return [...new Set(names.flat())].toSorted();
    },
  };
}

/** None where the file cannot be read: whoever is typing is not told so here. */
async function namesIn(path: string): Promise<readonly string[]> {
  try {
    const bytes = (await readRegularFile(path, MAX_DOTENV_BYTES, "")).bytes;
    return parseDotenv(bytes, path).entries.map(({ name }) => name);
  } catch {
    return [];
  }
}
