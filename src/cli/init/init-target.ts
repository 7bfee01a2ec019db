import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { InputError } from "../../errors.ts";
import { rootsOf } from "../config/local-config.ts";
import { listEnvs, listRepos, repoFault, requireName, segmentFault } from "../config/paths.ts";
import { givenEnv, listDotenvEnvs, type Target, type TargetInput, workingFolder } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { REPO_HINT } from "../project/find-project.ts";
import { earlierRepos, UnfitNameError } from "../project/names.ts";
import { proposedEnvs } from "../project/project-file.ts";
import { placeInFile } from "../project/project-place.ts";
import { isSameRemote, isSameRoot } from "../project/roots.ts";
import { findRepo, surroundings, type Which, type WhichRepo } from "../project/which-vault.ts";
import { listed } from "../terminal/consent.ts";

/**
 * The vaults that `init` sets up: the one that the user names; or on a terminal all those in the project file that this
 * machine does not know, or one that it asks for.
 *
 * @throws InputError a name is missing or not valid
 */
export async function initTargets(input: TargetInput, sources: SecretSources): Promise<readonly Which[]> {
  const { prompter, output } = sources;
  const found = await repoHere(input.flags.repo, sources);
  const pending = givenEnv(input) === undefined && prompter.isInteractive ? await unknownEnvs(found) : [];
  if (pending.length === 0) return [await initTarget(found, input, sources)];
  output.say(`${found.project.file?.path} names ${listed(pending)} of ${found.name}. Ctrl-C changes nothing.`);
  return pending.map((env) => ({ repo: found.name, env, named: found, isEnvTyped: false }));
}

/**
 * What names the repo. If nothing does, or the name is not valid, it asks the user.
 *
 * @throws InputError nobody can be asked
 */
async function repoHere(flag: string | undefined, sources: SecretSources): Promise<WhichRepo> {
  const around = surroundings(sources.output.warn);
  const noName = new UnfitNameError("this folder is in no repository", { hint: REPO_HINT });
  try {
    const found = await findRepo(flag, around);
    if (found !== null) return found;
    throw noName;
  } catch (error) {
    const folder = basename(around.folder).toLowerCase();
    const proposal = error === noName && repoFault(folder) === null ? folder : undefined;
    const named = await findRepo(await askedName(error, proposal, sources), around);
    if (named === null) throw error;
    return { ...named, by: "derived" };
  }
}

/** The envs with a place in the project file but no config on this machine. */
async function unknownEnvs(named: WhichRepo): Promise<readonly string[]> {
  const known = await listEnvs(named.name);
  const isPlaced = (env: string): boolean =>
    placeInFile({ repo: named.name, env, named, isEnvTyped: false })?.vault !== undefined;
  return proposedEnvs(named.project.file).filter((env) => !known.includes(env) && isPlaced(env));
}

async function initTarget(found: WhichRepo, input: TargetInput, sources: SecretSources): Promise<Which> {
  const { prompter } = sources;
  const typed = givenEnv(input) ?? (prompter.isInteractive ? undefined : process.env["VSYNC_ENV"] || undefined);
  const named = found.by === "derived" ? await settledName(found, typed ?? "<env>", sources) : found;
  const env = typed ?? (await askedEnv(named, sources));
  const isEnvTyped = givenEnv(input) !== undefined;
  const which = { repo: named.name, env: requireName("env", env, ENV_HINT), named, isEnvTyped };
  await refuseOtherCase(which);
  return named.by === "flag" ? { ...which, isRepoTyped: true } : which;
}

/**
 * @throws the given error, unless only the name is wrong and the user can be asked
 */
async function askedName(
  error: unknown,
  proposal: string | undefined,
  { prompter, output }: SecretSources,
): Promise<string> {
  if (!(error instanceof UnfitNameError) || !prompter.isInteractive) throw error;
  output.say(error.message);
  const check = (answer: string): string | null => repoFault(answer.trim());
  const shown = proposal === undefined ? {} : { default: proposal };
  return (await prompter.text({ message: "Repository:", ...shown, check })).trim();
}

const ENV_HINT = "name the environment with --env=<env>";

async function askedEnv({ name, project: { file } }: WhichRepo, { prompter, output }: SecretSources): Promise<string> {
  const proposed = proposedEnvs(file);
  if (!prompter.isInteractive) {
    const fault = proposed.length === 0 ? "missing --env" : `missing --env: ${file?.path} names ${listed(proposed)}`;
    throw new InputError(fault, { hint: ENV_HINT });
  }
  output.say(`Sets up a vault for ${name} here, or joins your team's. Ctrl-C changes nothing.`);
  const suggestion = await suggestedEnv(name, proposed);
  const check = (answer: string): string | null => segmentFault(answer.trim());
  return (await prompter.text({ message: "Environment:", default: suggestion, check })).trim();
}

/** An env of the project file, or one with a dotenv file in this folder, that this machine has no config for. */
async function suggestedEnv(repo: string, proposed: readonly string[]): Promise<string> {
  const [configured, dotenvEnvs] = await Promise.all([listEnvs(repo), listDotenvEnvs(workingFolder())]);
  const usual = [...proposed, ...dotenvEnvs, "dev", "prod"];
  return usual.find((env) => !configured.includes(env)) ?? "dev";
}

/**
 * Keeps a derived name unless this machine knows a vault that may be this project's under another name, or another
 * project's vault under this name. Then it asks.
 */
async function settledName(found: WhichRepo, env: string, { prompter, output }: SecretSources): Promise<WhichRepo> {
  const { project } = found;
  const repos = await listRepos();
  const last = (name: string): string | undefined => name.split("/").at(-1);
  const earlier = new Set(earlierRepos(project).map(({ name }) => name));
  const alike = repos.filter((repo) => earlier.has(repo) || last(repo) === last(found.name));
  const states = await Promise.all(alike.map(async (repo) => ({ repo, ...(await bindingOf(repo, found)) })));
  const elsewhere = states.find(({ repo, folder }) => repo === found.name && folder !== null);
  const free = states.filter(({ folder }) => folder === null).map(({ repo }) => repo);
  const proposed = elsewhere === undefined ? [found.name] : [];
  const names = [...new Set([...free, ...proposed])];
  if (elsewhere === undefined && names.length === 1) return { ...found, name: names[0] ?? found.name };
  if (prompter.isInteractive && names.length > 1) {
    output.say(`this machine has vaults of ${free.join(", ")}, which may be this project's`);
    const name = await prompter.choose(
      "Repository:",
      names.map((it) => ({ name: it, value: it })),
    );
    return { ...found, name };
  }
  if (elsewhere !== undefined) throw takenElsewhere(elsewhere, env);
  throw new InputError(`this project may be ${names.join(" or ")}`, {
    hint: names.map((name) => `vsync init --env=${env} --repo=${name}`).join(", or "),
  });
}

/** The folder of another project that has this repo name; null if the name is free. */
async function bindingOf(repo: string, { project }: WhichRepo): Promise<{ readonly folder: string | null }> {
  const envs = await listEnvs(repo);
  const roots = (await Promise.all(envs.map((env) => rootsOf({ repo, env })))).flat();
  for (const root of roots) {
    if (project.roots.some((here) => isSameRoot(root, here))) return { folder: null };
    const isThere = await stat(root.folder).then(
      () => true,
      () => false,
    );
    if (isThere || !isSameRemote(root, project.root)) return { folder: root.folder };
  }
  return { folder: null };
}

function takenElsewhere({ repo, folder }: { repo: string; folder: string | null }, env: string): InputError {
  const join = `vsync init --env=${env} --repo=${repo}`;
  return new InputError(`${repo} is known from ${folder}, and this is another folder`, {
    hint: `to use that vault here too: ${join}; for one of its own: vsync init --env=${env} --repo=<owner>/${repo.split("/").at(-1)}`,
  });
}

/** Some disks keep one file for both names, and people confuse them. */
export async function refuseOtherCase({ repo, env }: Target): Promise<void> {
  const [repos, envs] = await Promise.all([listRepos(), listEnvs(repo)]);
  const differs = (name: string) => (it: string) => it !== name && it.toLowerCase() === name.toLowerCase();
  const known = repos.find(differs(repo)) ?? envs.find(differs(env));
  if (known === undefined) return;
  throw new InputError(`this machine knows ${known}, which differs only in upper and lower case`, {
    hint: `write ${known}, or choose another name`,
  });
}
