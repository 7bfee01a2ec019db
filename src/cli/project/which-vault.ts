import { dirname } from "node:path";
import { InputError, LocalConfigMissingError, VsyncError } from "../../errors.ts";
import { presentTerms } from "../../stores/location.ts";
import type { LocalConfig, Root } from "../config/config-document.ts";
import { loadConfig, rootsOf, updateConfig, type Warn } from "../config/local-config.ts";
import { homeFolder, listEnvs, listRepos, repoFault, requireName } from "../config/paths.ts";
import { givenEnv, type Target, type TargetInput, vaultArgs, vaultFlags, workingFolder } from "../config/target.ts";
import { findProject, type Project, REPO_HINT, type Surroundings } from "./find-project.ts";
import { earlierRepos, type NamedRepo, proposedRepo } from "./names.ts";
import { type FoundFile, proposedEnvs, proposedPlace } from "./project-file.ts";
import { hasMovedTo, isSameRoot } from "./roots.ts";

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

export function surroundings(warn: Warn): Surroundings {
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
    return await findProject({ ...around, warn: () => undefined });
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
  const repos = await listRepos();
  const envs = await Promise.all(repos.map(async (repo) => (await listEnvs(repo)).map((env) => ({ repo, env }))));
  const bindings = envs.flat().map(async (it) => (await rootsOf(it)).map((root) => ({ repo: it.repo, root })));
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
  const fault = envs.length === 0 ? "missing --env" : `missing --env: ${name} has ${envs.join(", ")} on this machine`;
  throw new InputError(fault, { hint: envs.length < 2 || wantsEnv ? ENV_HINT : `${ENV_HINT}, or set VSYNC_ENV` });
}

/** The envs that a word on the command line may refer to. */
export async function knownEnvs(input: TargetInput): Promise<readonly string[]> {
  const found = await findRepo(
    input.flags.repo,
    surroundings(() => undefined),
  ).catch(() => null);
  if (found === null) return [];
  return [...new Set([...(await listEnvs(found.name)), ...proposedEnvs(fileOf(found.project, found.name))])];
}

/** The project file, if it is for this repo. */
function fileOf({ file }: Project, repo: string): FoundFile | null {
  return file?.content.repo === repo ? file : null;
}

/**
 * This machine's config for the vault, if it may be used from here.
 *
 * @throws LocalConfigMissingError it is missing or unusable, is bound to other folders, or differs from the project
 * file
 */
export async function configHere(which: Which, use: Use, warn: Warn): Promise<LocalConfig> {
  const config = await loadConfig(which, warn);
  const { by, project } = which.named;
  const isNamed = by === "flag" || by === "variable";
  const bound = isNamed ? config : await bindHere(config, which, use, warn);
  const file = fileOf(project, which.repo);
  if (file !== null && !isNamed) requireAgreement(bound, file);
  const isAtRoot = (bound.roots ?? []).some((it) => project.roots.some((other) => isSameRoot(it, other)));
  const added = protectionOf(which, bound.protected);
  if (added.isProtected && !bound.protected) await rememberProtection(bound, warn);
  return { ...bound, isAtRoot, ...added };
}

/**
 * Stores the protection: `--repo` may select the same vault from a folder without the project file, or with an older
 * one.
 */
async function rememberProtection(config: LocalConfig, warn: Warn): Promise<void> {
  try {
    await updateConfig(config, (latest) => ({ ...latest, protected: true }));
  } catch (error) {
    if (!(error instanceof VsyncError)) throw error;
    warn(`this machine does not remember that ${config.env} is protected: ${error.message}`);
  }
}

/** What the project file adds to a config: protection, and required names. */
export function protectionOf(
  { repo, env, named: { project } }: Which,
  isProtected?: true,
): Pick<LocalConfig, "isProtected" | "required"> {
  const proposed = fileOf(project, repo)?.content.envs?.[env];
  return {
    ...((isProtected ?? proposed?.protected) ? { isProtected: true } : {}),
    ...(proposed?.required === undefined ? {} : { required: proposed.required }),
  };
}

/**
 * @throws InputError the env is protected, and a command that writes does not name it
 */
export function requireNamed(which: Which, { isProtected }: Pick<LocalConfig, "isProtected">, { use }: Use): void {
  if (isProtected && use === "write" && !which.isEnvTyped) throw unnamed(which);
}

function unnamed({ env }: Target): InputError {
  return new InputError(`${env} is protected, so a command that changes it has to name it`, {
    hint: `add ${env}, or --env=${env}, to the command`,
  });
}

async function bindHere(config: LocalConfig, which: Which, { use }: Use, warn: Warn): Promise<LocalConfig> {
  const { roots: here, root } = which.named.project;
  const roots = config.roots ?? [];
  if (roots.some((it) => here.some((other) => isSameRoot(it, other)))) return config;
  if (roots.length === 0) return adopt(config, which, use, warn);
  const moved = root.remote === undefined ? [] : await Promise.all(roots.map((it) => hasMovedTo(it, root)));
  const gone = roots.find((_, at) => moved[at]);
  if (gone === undefined) throw knownElsewhere(which, roots);
  warn(`${which.repo} has moved from ${gone.folder} to ${root.folder}`);
  await updateConfig(config, (latest) => ({ ...latest, roots: [...roots.filter((it) => it !== gone), root] }));
  return { ...config, roots: [root] };
}

/** The roots of a config that `init` writes for this folder. The home folder never becomes one. */
export function boundRoots({ repo, named: { project } }: Which, current: LocalConfig | null): readonly Root[] {
  const { root, file } = project;
  const known = (current?.roots ?? []).filter((it) => !isSameRoot(it, root));
  const isOthers = file !== null && file.content.repo !== repo;
  const isNobodys = root.folder === homeFolder() || dirname(root.folder) === root.folder;
  return isOthers || isNobodys ? (current?.roots ?? []) : [...known, root];
}

function knownElsewhere(which: Which, roots: readonly Root[]): LocalConfigMissingError {
  const { folder, remote } = which.named.project.root;
  const before = roots.find((it) => it.folder === folder)?.remote;
  const change = before === undefined ? "not from this folder" : `when its remote was ${before}, now ${remote}`;
  const folders = roots.map((it) => it.folder).join(", ");
  return new LocalConfigMissingError(`${which.repo} is known from ${folders}, ${change}`, {
    hint: `to use it here too: vsync init ${vaultFlags(which)}`,
  });
}

/**
 * A config from before there were roots. A command that shows only names binds it to this folder; until then it cannot
 * be written.
 */
async function adopt(config: LocalConfig, which: Which, use: Use["use"], warn: Warn): Promise<LocalConfig> {
  const { root } = which.named.project;
  const list = `vsync list ${vaultArgs(which)}`;
  if (use === "values") return config;
  if (use === "write" || !isTheirs(which)) {
    throw new LocalConfigMissingError(`${which.repo}/${which.env} is not bound to a folder yet`, {
      hint:
        use === "write"
          ? `if it belongs to this one: ${list}`
          : `to bind it to this one: vsync init ${vaultFlags(which)}`,
    });
  }
  warn(`${which.repo}/${which.env} belongs to ${root.folder} from now on`);
  await updateConfig(config, (latest) => ({ ...latest, roots: [root] }));
  return { ...config, roots: [root] };
}

/** Whether something other than the folder's own name says that the vault belongs to this project. */
function isTheirs({ repo, named: { by, project } }: Which): boolean {
  const { packaged, tree } = project;
  const isLast = (name: string): boolean => name.split("/").at(-1)?.toLowerCase() === repo.split("/").at(-1);
  if (by === "file" || packaged !== null) return true;
  return tree?.remote === null || tree?.remote === undefined || isLast(tree.remote);
}

/**
 * @throws LocalConfigMissingError the file and the config name different places or vaults
 */
function requireAgreement(config: LocalConfig, file: FoundFile): void {
  const { env } = config;
  const proposed = file.content.envs?.[env];
  // A file that lists envs says nothing about other envs.
  if (file.content.envs !== undefined && proposed === undefined) return;
  const said: Readonly<Record<string, string | true | undefined>> = {
    vault: proposed?.vault,
    ...proposedPlace(file, env),
  };
  const known: typeof said = { ...placeOf(config), ...presentTerms(config), vault: config.vault };
  const differing = Object.entries(said).filter(([field, value]) => value !== undefined && value !== known[field]);
  if (differing.length === 0) return;
  const shown = differing.map(([field, value]) => `${field} ${value} there, ${known[field] ?? "none"} here`).join("; ");
  throw new LocalConfigMissingError(
    `${file.path} and this machine's config of ${config.repo}/${env} differ: ${shown}`,
    {
      hint: `to follow the file and give credentials again: vsync init ${vaultFlags(config)} --retarget`,
    },
  );
}

const placeOf = ({ endpoint, bucket, region, prefix }: LocalConfig) => ({ endpoint, bucket, region, prefix });
