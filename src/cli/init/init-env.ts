import { InputError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import type { AccessKey, StoreLocation } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import { findConfig, type LocalConfig, loadConfig } from "../config/local-config.ts";
import { type AppKeyFlags, askAppKey, givenAppKey } from "../inputs/credentials.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { policyOf } from "../policy/policy.ts";
import { isAt, placeInFile } from "../project/project-place.ts";
import { protectionOf, type Which } from "../project/which-vault.ts";
import { agreeOnFolder } from "./agree.ts";
import { chooseLocation, type InitFlags } from "./init-location.ts";
import { initVault } from "./init-vault.ts";
import { prepareStore } from "./prepare-store.ts";
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
}

/** Sets up one vault, or joins it: asks for what is missing, proves the store, writes config and project file. */
export async function initEnv(target: Which, flags: InitEnvFlags, sources: SecretSources): Promise<void> {
  const { output } = sources;
  const current = await findConfig(target, (text) => output.warn(text));
  await agreeOnFolder(target, current, sources);
  const location = await chooseLocation(flags, target, current, sources);
  const prepared = await prepareStore(location, output);
  const request = {
    target,
    location,
    prepared,
    current,
    reset: flags.reset || (flags.retarget && !isAt(current, location)),
    expected: expectedVault(target, current, flags),
    only: flags.join ? ("join" as const) : flags.new ? ("new" as const) : null,
    app: await appKey(prepared.store, { location, current }, flags, sources),
    isProtected: await wantsProtection(target, current, flags, sources),
    passphraseFile: flags["passphrase-file"],
  };
  const result = await initVault(request, sources);
  const written = await writeProjectFile(target, await loadConfig(target, () => undefined), output);
  renderInit(result, target, { store: prepared.store, written }, output);
}

/** The vault that the project file names, unless it is this machine's own that nobody has pushed, or is to be forgotten. */
function expectedVault(target: Which, current: LocalConfig | null, { reset }: InitEnvFlags): string | undefined {
  const vault = placeInFile(target)?.vault;
  const isOwn = current !== null && vault === current.vault && (reset || current.seenGen === 0);
  return isOwn ? undefined : vault;
}

/** The key for tokens. One that was given for another place does not go to this one. */
async function appKey(
  store: ObjectStore,
  { location, current }: { readonly location: StoreLocation; readonly current: LocalConfig | null },
  flags: InitEnvFlags,
  sources: SecretSources,
): Promise<AccessKey | undefined> {
  if (isDirectoryStore(location)) return undefined;
  const given = await givenAppKey(flags, sources);
  if (given !== null) return given;
  if (isAt(current, location)) return current?.app;
  const isAsked = sources.prompter.isInteractive && location.credentials !== "ambient";
  // Somebody who joins may not be the one who hands out keys.
  if (!isAsked || (await store.head(MANIFEST_KEY)) !== null) return undefined;
  return (await askAppKey(JSON.stringify(policyOf("reader", location)), sources)) ?? undefined;
}

const LIVE = new Set(["prod", "production", "live"]);

/** On a terminal it proposes protection for an env whose name says that people depend on it. */
async function wantsProtection(
  which: Which,
  current: LocalConfig | null,
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
  if (local || !LIVE.has(env) || !prompter.isInteractive) return false;
  return prompter.choose(`Protect ${env}?`, [
    { name: `Yes: type ${env} before anything is lost there`, value: true },
    { name: "No", value: false },
  ]);
}
