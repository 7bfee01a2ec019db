import { InputError } from "../../errors.ts";
import { isSameBucket, isSamePlace, type StoreLocation } from "../../stores/location.ts";
import { floorOf } from "../../vault/audit/floor.ts";
import type { VaultPlace } from "../../vault/format/moved.ts";
import { type MovePlan, proposeMove } from "../../vault/move.ts";
import { type OpenedManifest, openManifest } from "../../vault/open/open-manifest.ts";
import { findConfig, type LocalConfig, removeConfig, saveConfig } from "../config/local-config.ts";
import {
  checkLocation,
  givenTerms,
  type LocationOverrides,
  shownEndpoint,
  type TermsFlags,
  termsThere,
} from "../config/location.ts";
import { requireName } from "../config/paths.ts";
import { type Target, vaultArgs, vaultFlags } from "../config/target.ts";
import { refuseOtherCase } from "../init/init-target.ts";
import { refuseOverlap } from "../init/overlap.ts";
import { type PreparedStore, prepareStore } from "../init/prepare-store.ts";
import { writeProjectFile } from "../init/write-project-file.ts";
import { type CredentialFlags, newCredentials } from "../inputs/credentials.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { renderEffect, warnOfAuditFault } from "../items/proposed-changes.ts";
import { isAt, placeInFile } from "../project/project-place.ts";
import { resolveTarget, type Which } from "../project/which-vault.ts";
import { configFor } from "../session/config.ts";
import { type SessionInput, sessionOn } from "../session/session.ts";
import { type ConsentFlags, consentTo, requireConsent } from "../terminal/consent.ts";

export interface MoveFlags extends LocationOverrides, TermsFlags, CredentialFlags, ConsentFlags {
  /** The prefix of a copy made by other means. */
  readonly from?: string | undefined;
}

export interface Moved {
  readonly plan: MovePlan;
  readonly before: LocalConfig;
  readonly after: LocalConfig;
  readonly gen: number;
  readonly isCopy: boolean;
  /** The project file's path, if it was written. */
  readonly written: string | null;
}

/**
 * Moves a vault to another env, prefix or bucket, along with this machine's config. After an interruption, run it again
 * and it resumes.
 *
 * @throws InputError the new place is taken, or the user does not agree
 * @throws what `proposeMove` throws
 */
export async function moveVault(
  input: SessionInput,
  newEnv: string | undefined,
  flags: MoveFlags,
  sources: SecretSources,
): Promise<Moved> {
  const { output } = sources;
  const ends = await endsOf(input, newEnv, flags, sources);
  const { which, before, source, location, prepared } = ends;
  const isCopy = flags.from !== undefined;
  using session = await sessionOn({ ...before, prefix: source.prefix }, input.flags, sources);
  const { ports, request } = session;
  const [from, to] = [placeOf(before, source), placeOf(which, location)];
  if (!isSamePlace(source, location)) await prepared.make();
  // A copy may be older than what this machine has seen of the original.
  const expect = isCopy ? { vault: before.vault, env: before.env } : request.expect;
  using proposal = await proposeMove(ports, { ...request, expect, from, to, toStore: prepared.store, isCopy });
  const { plan } = proposal;
  for (const effect of plan.tokens) renderEffect(effect, output);
  if (plan.leavesUsage) {
    output.warn(
      `what apps have metered stays at the old place: first keep its totals, with vsync usage ${vaultArgs(before)} --csv`,
    );
  }
  if (plan.done === "nothing") await requireConsent(consentOf(before, to, isCopy), flags, sources.prompter);
  const committed = await proposal.commit();
  const there = { holder: request.holder, expect: { vault: before.vault, env: to.env } };
  const after = configAt(ends, await openManifest({ ...ports, store: prepared.store }, there), isCopy);
  await saveConfig(after);
  // Nobody reads on at the old place.
  if (committed !== null && plan.done === "nothing") warnOfAuditFault(committed, after, output);
  if (!isCopy && to.env !== before.env) await removeConfig(before);
  const written = isCopy ? null : await writeProjectFile(which, after, output, { insteadOf: before.env });
  return { plan, before, after, gen: after.seenGen, isCopy, written };
}

/** The two places of a move. */
interface Ends {
  /** The vault under its new name. */
  readonly which: Which;
  readonly before: LocalConfig;
  readonly source: StoreLocation;
  readonly location: StoreLocation;
  readonly prepared: PreparedStore;
  /** The config under the new name, if an interrupted move has written it. */
  readonly known: LocalConfig | null;
}

async function endsOf(
  input: SessionInput,
  newEnv: string | undefined,
  flags: MoveFlags,
  sources: SecretSources,
): Promise<Ends> {
  const { output } = sources;
  const found = await resolveTarget(input, output.warn, { use: "write" });
  const before = await configFor(found, sources, { use: "write" });
  if (before.isTransient) throw keepsNothing(before);
  if (before.movedFrom !== undefined) throw notFinished(before, before.movedFrom);
  const source = checkLocation({ ...before, prefix: flags.from ?? before.prefix });
  const env = requireName("env", newEnv ?? before.env, "name the new environment");
  const which = { ...found, env };
  await refuseOtherCase(which);
  const location = await newLocation(before, env, flags, sources);
  const known = await requireFree(which, before, location, { isCopy: flags.from !== undefined });
  const prepared = await prepareStore(location, output);
  if (prepared.isReadOnly) throw readsOnly(prepared.store.label);
  const isNew = known === null && prepared.isThere && !isSamePlace(source, location);
  if (isNew) await refuseOverlap(location, prepared.store);
  return { which, before, source, location, prepared, known };
}

/** This machine's config for the new place. It keeps the apps' key only within the same bucket. */
function configAt(
  { which, before, source, location, known }: Ends,
  { manifest, unlocked }: OpenedManifest,
  isCopy: boolean,
): LocalConfig {
  const { isProtected: _protected, required: _required, isTransient: _transient, ...kept } = before;
  return {
    ...kept,
    ...location,
    env: which.env,
    floors: new Map([[unlocked.opener, floorOf(manifest)]]),
    seenGen: manifest.gen,
    app: isSameBucket(before, location) ? before.app : undefined,
    movedFrom: isCopy ? undefined : (known?.movedFrom ?? { ...source, env: before.env }),
  };
}

function placeOf({ repo, env }: Target, { endpoint, bucket, region, prefix }: StoreLocation): VaultPlace {
  return { repo, env, endpoint, bucket, region, prefix };
}

/** Parts without a flag stay as they are, except that the new env's name replaces the old one in the prefix. */
async function newLocation(
  before: LocalConfig,
  env: string,
  flags: MoveFlags,
  sources: SecretSources,
): Promise<StoreLocation> {
  const ending = `/${before.env}/`;
  const renamed = before.prefix.endsWith(ending) ? `${before.prefix.slice(0, -ending.length)}/${env}/` : undefined;
  const prefix = flags.prefix ?? (env === before.env ? before.prefix : renamed);
  if (prefix === undefined) {
    throw new InputError(`the prefix ${before.prefix} does not end in the env's name`, {
      hint: "name the new one: --prefix=<prefix>/",
    });
  }
  const { endpoint = before.endpoint, bucket = before.bucket, region = before.region } = flags;
  const terms = givenTerms(flags) ?? termsThere(before, { endpoint, bucket });
  const place = checkLocation({ endpoint, bucket, region, prefix, credentials: "ambient", ...terms });
  const isSameService = place.endpoint === before.endpoint;
  const isGiven = flags.ambient || flags["access-key"] !== undefined || Boolean(sources.variables["VSYNC_ACCESS_KEY"]);
  if (isSameService && !isGiven) return checkLocation({ ...place, credentials: before.credentials });
  const credentials = await newCredentials(flags, isSameService ? before : null, sources);
  return checkLocation({ ...place, credentials });
}

/**
 * This machine's config under the new name, if an interrupted move has written it.
 *
 * @throws InputError the name is taken
 */
async function requireFree(
  which: Which,
  before: LocalConfig,
  location: StoreLocation,
  { isCopy }: { readonly isCopy: boolean },
): Promise<LocalConfig | null> {
  const { repo, env } = which;
  const filed = placeInFile(which);
  if (env !== before.env && filed !== null && !isAt({ ...before, ...location }, filed.place)) {
    throw new InputError(`${filed.path} says that ${env} is at ${filed.place.bucket}/${filed.place.prefix}`, {
      hint: "correct the file, or choose another name",
    });
  }
  if (env === before.env) {
    if (!isSamePlace(before, location) || isCopy) return null;
    throw new InputError(`${repo}/${env} exists already`, {
      hint: `name a new env, as in vsync move ${env} <env>, or a place with --prefix or --bucket`,
    });
  }
  if (isSamePlace(before, location)) {
    throw new InputError(`${repo}/${env} would take the place of ${before.env}, from which apps still start`, {
      hint: "give it a prefix of its own with --prefix=<prefix>/",
    });
  }
  const known = await findConfig({ repo, env });
  if (known === null || (known.vault === before.vault && isSamePlace(known, location))) return known;
  throw new InputError(`this machine has another vault for ${repo}/${env}`, {
    hint: `choose another name; vsync status ${env} shows it`,
  });
}

/** Without a config nobody could finish the move, and the old place would stay open. */
function keepsNothing(config: LocalConfig): InputError {
  return new InputError("move needs a config on this machine to remember the old place", {
    hint: `first vsync init ${vaultFlags(config)}, or move where that was run`,
  });
}

/** The config remembers only one old place, so an earlier one would stay open. */
function notFinished(config: LocalConfig, { bucket, prefix }: StoreLocation): InputError {
  return new InputError(
    `the last move of ${config.repo}/${config.env} is not finished: ${bucket}/${prefix} still opens`,
    {
      hint: `once nothing starts from there: vsync move ${vaultArgs(config)} --finish`,
    },
  );
}

function readsOnly(label: string): InputError {
  return new InputError(`this key may not write at ${label}`, {
    hint: "give an operator's key: `vsync policy --role=operator` prints what it needs",
  });
}

function consentOf(config: LocalConfig, to: VaultPlace, isCopy: boolean) {
  const { repo, env } = config;
  const what = isCopy ? `the copy of ${repo}/${env}` : `${repo}/${env}`;
  const where = `${to.env === env ? "" : `${repo}/${to.env}, `}${shownPlace(to, config)}`;
  return consentTo(config, "move", `${what} to ${where}`);
}

/** Such as `acme/api/live/`, with its service if that changes. */
export function shownPlace(
  { bucket, prefix, endpoint }: Omit<VaultPlace, "repo" | "env">,
  before: StoreLocation,
): string {
  return `${bucket}/${prefix}${endpoint === before.endpoint ? "" : ` of ${shownEndpoint(endpoint)}`}`;
}
