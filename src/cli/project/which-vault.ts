import { InputError } from "../../errors.ts";
import type { Root } from "../config/config-document.ts";
import { QUIET, rootsOf, type Warn } from "../config/local-config.ts";
import { listEnvs, listTargets, repoFault, requireName } from "../config/paths.ts";
import { givenEnv, type Target, type TargetInput, workingFolder } from "../config/target.ts";
import { findProject, type Project, REPO_HINT, type Surroundings } from "./find-project.ts";
import { earlierRepos, type NamedRepo, proposedRepo } from "./names.ts";
import { type FoundFile, proposedEnvs } from "./project-file.ts";
import { isSameRoot } from "./roots.ts";

/**
 * Which vault a command works on. The user names its repo (--repo, VSYNC_REPO), or the project file does, or this
 * machine's config is bound to the folder. A name merely derived from a folder never leads to another folder's vault.
 */

export interface WhichRepo extends NamedRepo {
  readonly by: "flag" | "variable" | "file" | "root" | "derived";
  readonly project: Project;
}

export interface Which extends Target {
  readonly named: WhichRepo;
  /** Whether the command line itself names the env, as opposed to a variable or a default. */
  readonly isEnvTyped: boolean;
}

/** What a command does with the vault. */
export interface Use {
  /** `names` shows no values, `values` shows or uses them, `write` commits a generation. */
  readonly use: "names" | "values" | "write";
  /** Whether the command line has to name the env. */
  readonly wantsEnv?: boolean;
  /** For writes: whether the key of `vsync unlock` may sign them. It may always open a vault for reading. */
  readonly isDaily?: boolean;
  /** Whether to warn if the vault lacks names that the project file requires. */
  readonly isComplete?: boolean;
}

export function surroundings(warn = QUIET): Surroundings {
  return { variables: process.env, folder: workingFolder(), warn };
}

/** Nothing names a repo. */
export class NoRepositoryError extends InputError {}

/**
 * @throws InputError nothing names a repo, its name is not valid, or a project file is malformed
 */
export async function whichRepo({ flags }: TargetInput, around: Surroundings): Promise<WhichRepo> {
  const found = await findRepo(flags.repo, around);
  if (found === null) throw new NoRepositoryError("this folder is in no repository", { hint: REPO_HINT });
  return found;
}

/** As `whichRepo`, but null if nothing names one. */
export async function findRepo(flag: string | undefined, around: Surroundings): Promise<WhichRepo | null> {
  const given = flag ?? (around.variables["VSYNC_REPO"] || undefined);
  if (given !== undefined) {
    const project = await projectIfUsable(around);
    const by = flag === undefined ? "variable" : "flag";
    const from = flag === undefined ? "VSYNC_REPO" : "--repo";
    return { name: requireName("repo", given, REPO_HINT), from, by, project };
  }
  const project = await findProject(around);
  if (project.file !== null) return { name: project.file.content.repo, from: project.file.path, by: "file", project };
  const bound = await boundRepo(project);
  if (bound !== null) return { ...bound, by: "root", project };
  const derived = await derivedRepo(project);
  return derived === null ? null : { ...derived, by: "derived", project };
}

/** The user has named the repo, so a malformed project file must not stop them. */
async function projectIfUsable(around: Surroundings): Promise<Project> {
  try {
    return await findProject({ ...around, warn: QUIET });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    around.warn(`${error.message}: it is ignored here`);
    return { file: null, packaged: null, tree: null, roots: [], root: { folder: around.folder }, isMarked: false };
  }
}

/** The repo whose configs are bound to the project's nearest folder. */
async function boundRepo(project: Project): Promise<NamedRepo | null> {
  const bindings = await allBindings();
  for (const root of project.roots) {
    const repos = [...new Set(bindings.filter((it) => isSameRoot(it.root, root)).map(({ repo }) => repo))];
    const [only, ...more] = repos;
    if (only === undefined) continue;
    if (more.length === 0) return { name: only, from: root.folder };
    const hint = `name one: ${repos.map((repo) => `--repo=${repo}`).join(", ")}`;
    throw new InputError(`${root.folder} belongs to several repositories`, { hint });
  }
  return null;
}

async function allBindings(): Promise<readonly { repo: string; root: Root }[]> {
  const targets = await listTargets();
  const bindings = targets.map(async (it) => (await rootsOf(it)).map((root) => ({ repo: it.repo, root })));
  return (await Promise.all(bindings)).flat();
}

/**
 * A name under which an earlier version made configs that are not bound to a folder yet; else the one that `init` would
 * propose.
 */
async function derivedRepo(project: Project): Promise<NamedRepo | null> {
  for (const found of earlierRepos(project)) {
    const repo = found.name;
    if (repoFault(repo) !== null) continue;
    const roots = await Promise.all((await listEnvs(repo)).map((env) => rootsOf({ repo, env })));
    if (roots.some((it) => it.length === 0)) return found;
  }
  return proposedRepo(project);
}

/**
 * @throws InputError no env is named, and there is no default
 * @throws what `whichRepo` throws
 */
export async function resolveTarget(input: TargetInput, warn: Warn, use: Use): Promise<Which> {
  const named = await whichRepo(input, surroundings(warn));
  const typed = givenEnv(input);
  const env = requireName("env", typed ?? (await defaultEnv(named, use)), ENV_HINT);
  const which = { repo: named.name, env, named, isEnvTyped: typed !== undefined };
  return named.by === "flag" ? { ...which, isRepoTyped: true } : which;
}

const ENV_HINT = "name the environment with --env=<env>";

async function defaultEnv({ name, project }: WhichRepo, { wantsEnv = false }: Use): Promise<string> {
  const envs = await listEnvs(name);
  const file = fileOf(project, name);
  const { defaultEnv: proposed } = file?.content ?? {};
  const isProtected = proposed !== undefined && file?.content.envs?.[proposed]?.protected === true;
  const only = [envs, proposedEnvs(file)].find((it) => it.length > 0);
  const chosen =
    process.env["VSYNC_ENV"] || (isProtected ? undefined : proposed) || (only?.length === 1 ? only[0] : undefined);
  if (chosen !== undefined && !wantsEnv) return chosen;
  if (envs.length === 0) {
    throw new InputError(`missing --env: ${name} has no env on this machine`, {
      hint: `${ENV_HINT}; to set one up, run vsync init`,
    });
  }
  throw new InputError(`missing --env: ${name} has ${envs.join(", ")} on this machine`, {
    hint: envs.length < 2 || wantsEnv ? ENV_HINT : `${ENV_HINT}, or set VSYNC_ENV`,
  });
}

/** The envs that a word on the command line may refer to. */
export async function knownEnvs(input: TargetInput): Promise<readonly string[]> {
  const found = await findRepo(input.flags.repo, surroundings()).catch(() => null);
  if (found === null) return [];
  return [...new Set([...(await listEnvs(found.name)), ...proposedEnvs(fileOf(found.project, found.name))])];
}

/** The project file, if it is for this repo. */
export function fileOf({ file }: Project, repo: string): FoundFile | null {
  return file?.content.repo === repo ? file : null;
}
