import type { Secret } from "../../crypto/secret.ts";
import { InputError, NotAuthenticError, WrongPassphraseError } from "../../errors.ts";
import { type AccessKey, type StoreLocation, termsOf } from "../../stores/location.ts";
import { systemClock, systemRandom } from "../../stores/open-store.ts";
import { floorOf } from "../../vault/audit/floor.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import { newVaultId } from "../../vault/format/shape.ts";
import { fetchManifest, openManifest } from "../../vault/open/open-manifest.ts";
import {
  freshHint,
  hintOf,
  hintOfOpener,
  PassphraseHolder,
  recipientOf,
} from "../../vault/unlock/passphrase-holder.ts";
import { knownVaultOf } from "../config/known-vault.ts";
import { type LocalConfig, saveConfig, updateConfig, withSeen } from "../config/local-config.ts";
import { segmentFault } from "../config/paths.ts";
import { vaultFlags } from "../config/target.ts";
import {
  askPassphrase,
  FIRST_PASSPHRASE,
  type OpeningPassphrase,
  PASSPHRASE,
  readFitSecret,
  readPassphrase,
  readSecret,
  type SecretSources,
} from "../inputs/secret-input.ts";
import { boundRoots } from "../project/config-here.ts";
import type { Which } from "../project/which-vault.ts";
import { refuseOverlap } from "./overlap.ts";
import type { PreparedStore } from "./prepare-store.ts";

export interface InitRequest {
  readonly target: Which;
  readonly location: StoreLocation;
  readonly prepared: PreparedStore;
  readonly current: LocalConfig | null;
  /** Whether to forget the config's vault and passphrase. */
  readonly reset: boolean;
  /** The vault that the project file names. */
  readonly expected: string | undefined;
  /** Set if the user allows only one of the two: to make a vault, or to join one. */
  readonly only: "new" | "join" | null;
  readonly isProtected: boolean;
  /** The key for tokens. */
  readonly app: AccessKey | undefined;
  readonly passphraseFile: string | undefined;
  /** Whether the user can skip this vault with Enter, because others follow. */
  readonly maySkip?: boolean;
}

export type Initialized =
  /** The prefix was empty. This machine has drawn the id and salt for the vault that the first push makes. */
  | { readonly kind: "created"; readonly path: string }
  /**
   * The prefix holds a vault, and the passphrase is proven. `readOnlyUntil` is the end of the passphrase's grace
   * window, or null.
   */
  | { readonly kind: "joined"; readonly path: string; readonly gen: number; readonly readOnlyUntil: string | null }
  /** The config keeps its vault and passphrase, and has the given location. */
  | { readonly kind: "kept"; readonly path: string }
  /** The user skipped it. Nothing was written. */
  | { readonly kind: "skipped" }
  /** Like `kept`, but the passphrase was rotated according to the manifest, and nobody gave the new one. */
  | { readonly kind: "outdated"; readonly path: string; readonly rotatedAt: string };

/**
 * Writes the config. If the prefix holds a vault, it joins it and never replaces it. An existing config keeps its vault
 * and salt, unless `reset` is set or the manifest proves that the passphrase was rotated.
 *
 * @throws InputError the prefix holds another vault than the config names
 * @throws WrongPassphraseError also for the passphrase before a rotation; the message says so
 * @throws RollbackError the manifest is older than what this machine has seen
 * @throws what opening a manifest throws
 */
export async function initVault(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  const { target, current, reset, prepared } = request;
  const there = prepared.isThere ? ((await fetchManifest(prepared.store))?.manifest ?? null) : null;
  requireWanted(request, there !== null);
  if (there !== null) requireSameEnv(there, request);
  if (current === null || reset) return there === null ? create(request, sources) : join(request, sources);
  if (there === null && current.seenGen === 0) return keep(request);
  if (there?.vault === current.vault) return catchUp(request, there, current, sources);
  if (current.seenGen > 0 || there === null) throw otherVault(target, there === null);
  sources.output.say("another vault was pushed here since this machine ran init");
  return join(request, sources);
}

/** A manifest names its env, so a copied or renamed prefix cannot pass for another env. */
function requireSameEnv({ env }: Manifest, { target, location, prepared }: InitRequest): void {
  if (env === target.env) return;
  const named = segmentFault(env) === null ? env : "another env";
  throw new NotAuthenticError(`the vault at ${prepared.store.label} holds the env ${named}, not ${target.env}`, {
    hint: `if somebody copied ${named} there, vsync move ${segmentFault(env) === null ? env : "<env>"} ${target.env} --from=${location.prefix} makes it ${target.env}; else do not use it`,
  });
}

/**
 * @throws InputError `--join` without a vault, `--new` with one, or the vault in the project file does not exist
 */
function requireWanted({ only, expected, target, prepared, current }: InitRequest, isThere: boolean): void {
  const { label } = prepared.store;
  if (only === "join" && !isThere) {
    throw new InputError(`no vault at ${label}: --join never makes one`, {
      hint: "check bucket and prefix; the first push makes the vault",
    });
  }
  if (only === "new" && isThere) {
    throw new InputError(`${label} holds a vault already: --new never joins one`, {
      hint: `to join it: vsync init ${vaultFlags(target)} --join; else choose another prefix`,
    });
  }
  if (isThere || only === "new" || expected === undefined || current?.vault === expected) return;
  throw new InputError(`the project file names vault ${expected}, and ${label} is empty`, {
    hint: `if nobody has pushed it yet, ask them to; to start another one: vsync init ${vaultFlags(target)} --new`,
  });
}

async function create(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  const { location, prepared } = request;
  if (prepared.isThere) await refuseOverlap(location, prepared.store);
  const passphrase = await readSecret({ ...FIRST_PASSPHRASE, vault: request.target }, request.passphraseFile, sources);
  const { cost, recipient } = await freshHint(systemRandom, passphrase);
  await request.prepared.make();
  const vault = newVaultId(systemRandom);
  const fields = { ...placeOf(request), vault, kdf: cost, recipient, seenGen: 0 };
  return { kind: "created", path: await saveConfig(fields, { mustBeNew: request.current === null }) };
}

async function keep(request: InitRequest): Promise<Initialized & { kind: "kept" }> {
  await request.prepared.make();
  return { kind: "kept", path: await updateConfig(request.target, (latest) => ({ ...latest, ...placeOf(request) })) };
}

/** After a rotation, updates the config if the user gives the new passphrase. */
async function catchUp(
  request: InitRequest,
  there: Manifest,
  current: LocalConfig,
  sources: SecretSources,
): Promise<Initialized> {
  if (Buffer.compare(hintOf(there).recipient, current.recipient) === 0) return keep(request);
  const rotatedAt = there.rotated_at;
  sources.output.say(`the passphrase was rotated on ${rotatedAt}: the new one is needed`);
  const input = { ...PASSPHRASE, vault: request.target };
  const given = await readFitSecret(input, request.passphraseFile, sources);
  if (given === null && !sources.prompter.isInteractive) {
    return { ...(await keep(request)), kind: "outdated", rotatedAt };
  }
  return joinWith(given === null ? await askPassphrase(input, sources) : { secret: given }, request, current);
}

async function join(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  sources.output.say("this prefix holds a vault already: give its passphrase to join it");
  const { target, maySkip = false } = request;
  const question = `Passphrase of ${target.env} (Enter leaves it out):`;
  const input = { ...PASSPHRASE, vault: target, ...(maySkip ? { question, mayBeEmpty: true } : {}) };
  const opening = await readPassphrase(input, request.passphraseFile, sources);
  return opening.secret.expose().length === 0 ? { kind: "skipped" } : joinWith(opening, request, null);
}

/**
 * @param known what this machine knows of the same vault, or null
 */
async function joinWith(
  { secret, askAgain }: OpeningPassphrase,
  request: InitRequest,
  known: LocalConfig | null,
): Promise<Initialized> {
  const ports = { store: request.prepared.store, clock: systemClock };
  using holder = new PassphraseHolder(secret, undefined, askAgain);
  const { target, expected } = request;
  const named = expected === undefined ? {} : { vault: expected };
  const expect = known === null ? { env: target.env, ...named } : knownVaultOf(known);
  const opening = openManifest(ports, { holder, expect });
  const { manifest, unlocked } = await opening.catch(async (error: unknown) => {
    throw error instanceof WrongPassphraseError ? await namingTheRotation(error, secret, known) : error;
  });
  const { cost: kdf, recipient } = hintOfOpener(manifest, unlocked);
  const { vault, gen } = manifest;
  const floors = new Map([[unlocked.opener, floorOf(manifest)]]);
  const path =
    known === null
      ? await saveConfig({ ...placeOf(request), vault, kdf, recipient, seenGen: gen, floors })
      : await updateConfig(request.target, (latest) =>
          withSeen({ ...latest, ...placeOf(request) }, { floors, writer: { gen, kdf, recipient } }, known),
        );
  return { kind: "joined", path, gen, readOnlyUntil: unlocked.until };
}

/** If the passphrase matches the config, it was right before a rotation; the error says so. */
async function namingTheRotation(
  error: WrongPassphraseError,
  passphrase: Secret,
  known: LocalConfig | null,
): Promise<WrongPassphraseError> {
  if (known === null || !(await derives(passphrase, known))) return error;
  return new WrongPassphraseError("this is the passphrase from before the rotation", {
    hint: "ask a teammate for the new one",
  });
}

async function derives(passphrase: Secret, { kdf, recipient }: LocalConfig): Promise<boolean> {
  return Buffer.compare(await recipientOf(passphrase, kdf), recipient) === 0;
}

/** Picks the fields one by one: a location may carry other fields of `LocalConfig`. */
function placeOf({ target, location, current, isProtected, app, prepared }: InitRequest) {
  const { repo, env } = target;
  const { endpoint, region, bucket, prefix, credentials } = location;
  const roots = boundRoots(target, current);
  const bound = { repo, env, roots, app, protected: isProtected || undefined };
  const role = prepared.isReadOnly ? ("reader" as const) : undefined;
  return { ...bound, role, endpoint, region, bucket, prefix, credentials, ...termsOf(location) };
}

function otherVault(target: Which, isGone: boolean): InputError {
  const fault = isGone ? "the vault that this machine knows is not at this prefix" : "this prefix holds another vault";
  return new InputError(fault, {
    hint: `check bucket and prefix; to forget the vault that this machine knows, vsync init ${vaultFlags(target)} --reset`,
  });
}
