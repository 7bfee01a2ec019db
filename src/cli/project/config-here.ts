import { dirname } from "node:path";
import { InputError, LocalConfigMissingError, VsyncError } from "../../errors.ts";
import { presentTerms } from "../../stores/location.ts";
import type { LocalConfig, Root } from "../config/config-document.ts";
import { loadConfig, QUIET, updateConfig, type Warn } from "../config/local-config.ts";
import { homeFolder } from "../config/paths.ts";
import { type Target, vaultArgs, vaultFlags } from "../config/target.ts";
import { type FoundFile, proposedPlace } from "./project-file.ts";
import { hasMovedTo, isSameRoot } from "./roots.ts";
import { fileOf, type Use, type Which } from "./which-vault.ts";

/**
 * This machine's config for the vault, if it may be used from here.
 *
 * @throws LocalConfigMissingError it is missing or unusable, is bound to other folders, or differs from the project
 * file
 */
export async function configHere(which: Which, use: Use, warn = QUIET): Promise<LocalConfig> {
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
