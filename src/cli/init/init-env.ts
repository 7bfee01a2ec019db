import { InputError, InterruptedError, VsyncError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import type { AccessKey, Credentials, StoreLocation } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import { findConfig, type LocalConfig, loadConfig } from "../config/local-config.ts";
import type { Target } from "../config/target.ts";
import { type AppKeyFlags, askAppKey, givenAppKey } from "../inputs/credentials.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { policyOf } from "../policy/policy.ts";
import { protectionOf } from "../project/config-here.ts";
import { isAt, placeInFile } from "../project/project-place.ts";
import type { Which } from "../project/which-vault.ts";
import { agreeOnFolder } from "./agree.ts";
import { bucketOf, chooseLocation, type InitFlags } from "./init-location.ts";
import { refuseOtherCase } from "./init-target.ts";
import { initVault } from "./init-vault.ts";
import { askedAgain, isGiven, type LocationPart, refusedPart } from "./location-parts.ts";
import { type PreparedStore, prepareStore } from "./prepare-store.ts";
import { renderInit } from "./render-init.ts";
import { writeProjectFile } from "./write-project-file.ts";

export interface InitEnvFlags extends InitFlags, AppKeyFlags {
  readonly reset: boolean;
  readonly retarget: boolean;
  readonly join: boolean;
  readonly new: boolean;
  readonly protect: boolean;
  readonly unprotect: boolean;
  readonly "passphrase-file"?: string | undefined;
  readonly json?: boolean;
}

/**
 * Sets up or joins one vault, or several in turn. If one fails, the others still get their turn; then the first failure
 * is thrown.
 */
export async function initEnvs(targets: readonly Which[], flags: InitEnvFlags, sources: SecretSources): Promise<void> {
  const isOneOfSeveral = targets.length > 1;
  const visited = new Map<string, Credentials>();
  const failures: VsyncError[] = [];
  const vaults: object[] = [];
  for (const target of targets) {
    try {
      vaults.push(await initEnv(target, flags, { visited, isOneOfSeveral }, sources));
    } catch (error) {
      if (!isOneOfSeveral || !(error instanceof VsyncError) || error instanceof InterruptedError) throw error;
      failures.push(error);
      if (target !== targets.at(-1)) sources.output.warn(`${target.env} is left out: ${error.message}`);
    }
  }
  if (failures[0] !== undefined) throw failures[0];
  if (flags.json) sources.output.json({ vaults });
}

interface Round {
  readonly visited: Map<string, Credentials>;
  readonly isOneOfSeveral: boolean;
}

/** Asks for what is missing, proves the store, and writes config and project file. */
async function initEnv(named: Which, flags: InitEnvFlags, round: Round, sources: SecretSources): Promise<object> {
  const { output } = sources;
  const { isOneOfSeveral } = round;
  const { target, current, prepared, location } = await findStore(named, flags, round, sources);
  round.visited.set(bucketOf(location), location.credentials);
  const request = {
    target,
    location,
    prepared,
    current,
    reset: flags.reset || (flags.retarget && !isAt(current, location)),
    expected: expectedVault(target, current, flags),
    only: flags.join ? ("join" as const) : flags.new ? ("new" as const) : null,
    app: await appKey(prepared.store, { location, current, isOneOfSeveral }, flags, sources),
    isProtected: await wantsProtection(target, { current, isOneOfSeveral }, flags, sources),
    passphraseFile: flags["passphrase-file"],
    maySkip: isOneOfSeveral,
  };
  const result = await initVault(request, sources);
  if (result.kind === "skipped") {
    output.say(`${target.env}: left out`);
    return { repo: target.repo, env: target.env, result: "left out" };
  }
  const config = await loadConfig(target);
  const written = await writeProjectFile(target, config, output);
  renderInit(result, target, { store: prepared.store, written }, output);
  return {
    repo: target.repo,
    env: target.env,
    result: result.kind,
    vault: config.vault,
    gen: config.seenGen,
    store: prepared.store.label,
    config: result.path,
  };
}

interface FoundStore {
  readonly target: Which;
  readonly current: LocalConfig | null;
  readonly location: StoreLocation;
  readonly prepared: PreparedStore;
}

async function findStore(named: Which, flags: InitEnvFlags, round: Round, sources: SecretSources): Promise<FoundStore> {
  const { output } = sources;
  const known = await knownHere(named, sources);
  const chosen = await chooseLocation(flags, named, known, sources, round.visited);
  const target = chosen.joins === undefined ? named : await joining(named, chosen.joins);
  const current = target === named ? known : await knownHere(target, sources);
  const isMendable = (part: LocationPart): boolean =>
    sources.prompter.isInteractive && !isGiven(part, flags, placeInFile(target) !== null);
  for (let location: StoreLocation = chosen, tries = 1; ; tries++) {
    try {
      return { target, current, location, prepared: await prepareStore(location, output) };
    } catch (error) {
      const part = refusedPart(error);
      if (part === null || tries === MAX_TRIES || !isMendable(part)) throw error;
      output.say(`${(error as VsyncError).message}: try again`);
      location = await askedAgain(part, location, { sources });
    }
  }
}

const MAX_TRIES = 3;

async function knownHere(target: Which, sources: SecretSources): Promise<LocalConfig | null> {
  const current = await findConfig(target, sources.output.warn);
  await agreeOnFolder(target, current, sources);
  return current;
}

/** Takes repo and env from the vault that the user chose in the bucket; they may differ from what was typed. */
async function joining(named: Which, { repo, env }: Pick<Target, "repo" | "env">): Promise<Which> {
  if (named.repo === repo && named.env === env) return named;
  const target = { ...named, repo, env, named: { ...named.named, name: repo } };
  await refuseOtherCase(target);
  return target;
}

/**
 * The vault that the project file names, unless this machine made it and nobody has pushed yet, or `--reset` forgets
 * it.
 */
function expectedVault(target: Which, current: LocalConfig | null, { reset }: InitEnvFlags): string | undefined {
  const vault = placeInFile(target)?.vault;
  const isOwn = current !== null && vault === current.vault && (reset || current.seenGen === 0);
  return isOwn ? undefined : vault;
}

/** The key for tokens. A key given for another place is not reused here. */
async function appKey(
  store: ObjectStore,
  { location, current, isOneOfSeveral }: Pick<FoundStore, "location" | "current"> & Pick<Round, "isOneOfSeveral">,
  flags: InitEnvFlags,
  sources: SecretSources,
): Promise<AccessKey | undefined> {
  if (isDirectoryStore(location)) return undefined;
  const given = await givenAppKey(flags, sources);
  if (given !== null) return given;
  if (isAt(current, location)) return current?.app;
  const isAsked = sources.prompter.isInteractive && !isOneOfSeveral && location.credentials !== "ambient";
  // Somebody who joins is probably not the one who hands out keys.
  if (!isAsked || (await store.head(MANIFEST_KEY)) !== null) return undefined;
  return (await askAppKey(JSON.stringify(policyOf("reader", location)), sources)) ?? undefined;
}

const LIVE = new Set(["prod", "production", "live"]);

/** On a terminal, offers protection for an env whose name suggests that people depend on it. */
async function wantsProtection(
  which: Which,
  { current, isOneOfSeveral }: { readonly current: LocalConfig | null; readonly isOneOfSeveral: boolean },
  { protect, unprotect, local }: InitEnvFlags,
  { prompter }: SecretSources,
): Promise<boolean> {
  const { env, named } = which;
  const isFiled = protectionOf(which).isProtected === true;
  if (unprotect && isFiled) {
    throw new InputError(`${named.project.file?.path} protects ${env}`, { hint: "first take that out of the file" });
  }
  if (unprotect) return false;
  if (protect || isFiled || current?.protected) return true;
  if (local || isOneOfSeveral || !LIVE.has(env) || !prompter.isInteractive) return false;
  return prompter.choose(`Protect ${env}?`, [
    { name: `Yes: type ${env} before anything is lost there`, value: true },
    { name: "No", value: false },
  ]);
}
