import { rename, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "../../disk/posix.ts";
import { temporaryFor } from "../../disk/temporary.ts";
import type { BucketTerms } from "../../s3/wire/options.ts";
import { presentTerms } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { homeFolder } from "../config/paths.ts";
import { type ProjectFile, projectFileFault, projectFileIn, proposedPlace } from "../project/project-file.ts";
import type { Which } from "../project/which-vault.ts";
import type { Output } from "../terminal/output.ts";

/**
 * Writes what a colleague's `init` needs, but no credential, into the project file. Returns its path, or null if the
 * file stays as it is, for example because it belongs to another repo.
 *
 * @param options `insteadOf`: the env's previous name
 */
export async function writeProjectFile(
  which: Which,
  config: LocalConfig,
  output: Output,
  { insteadOf = config.env }: { readonly insteadOf?: string } = {},
): Promise<string | null> {
  const { project, by } = which.named;
  const { file, root } = project;
  const folder = file === null ? root.folder : dirname(file.path);
  const isNobodys = file === null && (by === "variable" || folder === homeFolder() || dirname(folder) === folder);
  if (isNobodys) return null;
  if (file !== null && file.content.repo !== which.repo) {
    output.say(
      `here, commands without --repo=${which.repo} mean ${file.content.repo} (${file.path}); if this folder is a project ` +
        `of its own, write {"repo": "${which.repo}"} to .vsync.json in it, and run this again`,
    );
    return null;
  }
  const before = file?.content ?? { repo: which.repo };
  const renamed = withName(before, insteadOf, config.env);
  const placed = isDirectoryStore(config) ? renamed : withVault(renamed, config);
  const fault = projectFileFault(placed);
  if (fault !== null) output.warn(`the project file cannot name this store: ${fault}`);
  const after = fault === null ? placed : before;
  if (file !== null && JSON.stringify(before) === JSON.stringify(after)) return null;
  const path = file?.path ?? projectFileIn(folder);
  try {
    await replace(path, `${JSON.stringify(after, null, 2)}\n`);
    return path;
  } catch (error) {
    output.warn(
      `cannot write ${path} (${codeOf(error)}): from other folders and machines, name the repository yourself`,
    );
    return null;
  }
}

function withName(before: ProjectFile, from: string, to: string): ProjectFile {
  const own = before.envs?.[from];
  if (from === to || own === undefined) return before;
  const { endpoint: _endpoint, bucket: _bucket, region: _region, prefix: _prefix, ...named } = own;
  const rest = withoutTerms(named);
  const envs = Object.entries(before.envs ?? {}).map(([env, said]) => (env === from ? [to, rest] : [env, said]));
  const after = { ...before, envs: Object.fromEntries(envs) };
  return before.defaultEnv === from ? { ...after, defaultEnv: to } : after;
}

function withVault(before: ProjectFile, config: LocalConfig): ProjectFile {
  const { env, vault } = config;
  const own = before.envs?.[env] ?? {};
  const isPlaced = before.bucket !== undefined || own.bucket !== undefined;
  const topLevel = isPlaced ? before : { ...before, ...placeOf(config) };
  const named = { ...topLevel, envs: { ...before.envs, [env]: { ...own, vault } } };
  const proposed = proposedPlace({ path: "", content: named }, env);
  const { endpoint, bucket, region, prefix } = config;
  const usual = { ...proposed, prefix: proposed.prefix ?? `${config.repo}/${env}/` };
  const differing = Object.entries({ endpoint, bucket, region, prefix }).filter(
    ([field, value]) => usual[field as keyof typeof usual] !== value,
  );
  const isOnSameTerms = JSON.stringify(presentTerms(proposed)) === JSON.stringify(presentTerms(config));
  const whole = {
    ...(isOnSameTerms ? own : { ...withoutTerms(own), bucket, ...presentTerms(config) }),
    ...Object.fromEntries(differing),
    vault,
    ...(config.protected ? { protected: true as const } : {}),
  };
  return { ...named, envs: { ...named.envs, [env]: whole } };
}

function withoutTerms<T extends BucketTerms>(it: T): Omit<T, keyof BucketTerms> {
  const { kmsKey: _key, bucketKey: _bucketKey, requesterPays: _payer, ...rest } = it;
  return rest;
}

/** The parts that the project's other envs probably share. */
function placeOf({ repo, env, endpoint, bucket, region, prefix, ...more }: LocalConfig): Partial<ProjectFile> {
  const folder = prefix.endsWith(`/${env}/`) ? prefix.slice(0, -`${env}/`.length) : `${repo}/`;
  return { endpoint, bucket, region, ...(folder === `${repo}/` ? {} : { prefix: folder }), ...presentTerms(more) };
}

/** Readers see either the old file or the new one. Unlike a config, the file is readable by others. */
async function replace(path: string, text: string): Promise<void> {
  const temporary = await temporaryFor(path);
  try {
    await writeFile(temporary, text, { flag: "wx" });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}
