import { InputError } from "../../errors.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { systemRandom } from "../../stores/open-store.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import { createIdentity, hintOf } from "../../vault/join.ts";
import { fetchManifest } from "../../vault/open/open-manifest.ts";
import { operatorEntry } from "../../vault/unlock/passphrase-holder.ts";
import { type LocalConfig, saveConfig } from "../config/local-config.ts";
import type { Target } from "../config/target.ts";
import {
  FIRST_PASSPHRASE,
  PASSPHRASE,
  readGivenSecret,
  readSecret,
  type SecretSources,
} from "../inputs/secret-input.ts";
import { type Joined, type JoinRequest, joinExisting } from "./init-join.ts";
import type { PreparedStore } from "./prepare-store.ts";

export interface InitRequest {
  readonly target: Target;
  readonly location: StoreLocation;
  readonly prepared: PreparedStore;
  readonly current: LocalConfig | null;
  /** Forget what the config says of vault and passphrase. */
  readonly reset: boolean;
  readonly passphraseFile: string | undefined;
}

export type Initialized =
  /** There is no vault yet; this machine has drawn the id and salt of the one to come. */
  | { readonly kind: "created"; readonly path: string }
  /** The vault that is there, its passphrase proven. */
  | ({ readonly kind: "joined"; readonly path: string } & Pick<Joined, "gen" | "readOnlyUntil">)
  /** The vault and passphrase of the config, at the location that was given. */
  | { readonly kind: "kept"; readonly path: string }
  /** As `kept`; the manifest says that the passphrase was rotated, and the new one was not given. */
  | { readonly kind: "outdated"; readonly path: string; readonly rotatedAt: string };

/**
 * Writes the config. Where the prefix holds a vault it is joined, never replaced; vault and salt of a config that is there
 * are kept unless `reset` is typed, or the manifest proves that the passphrase has been rotated.
 *
 * @throws InputError the prefix holds another vault than the one that this machine knows
 * @throws what opening a manifest throws
 */
export async function initVault(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  const { target, current, reset, prepared } = request;
  const there = prepared.isThere ? ((await fetchManifest(prepared.store))?.manifest ?? null) : null;
  if (current === null || reset) return there === null ? create(request, sources) : join(request, sources);
  if (there === null && current.seenGen === 0) return keep(request, current);
  if (there?.vault === current.vault) return catchUp(request, there, current, sources);
  if (current.seenGen > 0 || there === null) throw otherVault(target, there === null);
  sources.output.say("another vault was pushed here since this machine ran init");
  return join(request, sources);
}

async function create(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  const passphrase = await readSecret(FIRST_PASSPHRASE, request.passphraseFile, sources);
  const { vault, cost, recipient } = await createIdentity(systemRandom, passphrase);
  await request.prepared.make();
  const fields = { ...request.target, ...placeOf(request.location), vault, kdf: cost, recipient, seenGen: 0 };
  return { kind: "created", path: await saveConfig(fields, { mustBeNew: request.current === null }) };
}

async function keep({ location, prepared }: InitRequest, current: LocalConfig): Promise<Initialized> {
  await prepared.make();
  return { kind: "kept", path: await saveConfig({ ...current, ...placeOf(location) }) };
}

/** The manifest is the authority on passphrases; a config that knows an older one is put right by the new one. */
async function catchUp(
  request: InitRequest,
  there: Manifest,
  current: LocalConfig,
  sources: SecretSources,
): Promise<Initialized> {
  const operator = operatorEntry(there);
  if (operator === undefined || Buffer.compare(hintOf(operator).recipient, current.recipient) === 0)
    return keep(request, current);
  const rotatedAt = there.rotated_at;
  sources.output.say(`the passphrase was rotated on ${rotatedAt}: the new one is needed`);
  const given = await readGivenSecret(PASSPHRASE, request.passphraseFile, sources);
  if (given === null && !sources.prompter.isInteractive) {
    const kept = await keep(request, current);
    return { kind: "outdated", path: kept.path, rotatedAt };
  }
  const passphrase = given ?? (await readSecret(PASSPHRASE, undefined, sources));
  return saveJoined(request, await joinExisting({ ...joinOf(request), known: current, passphrase }));
}

async function join(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  sources.output.say("there is a vault at this prefix already: its passphrase joins this machine to it");
  const passphrase = await readSecret(PASSPHRASE, request.passphraseFile, sources);
  return saveJoined(request, await joinExisting({ ...joinOf(request), known: null, passphrase }));
}

function joinOf({ target, prepared }: InitRequest): Pick<JoinRequest, "target" | "store"> {
  return { target, store: prepared.store };
}

async function saveJoined({ target, location }: InitRequest, joined: Joined): Promise<Initialized> {
  const { vault, gen, hint, readOnlyUntil } = joined;
  const place = { ...target, ...placeOf(location) };
  const path = await saveConfig({ ...place, vault, kdf: hint.cost, recipient: hint.recipient, seenGen: gen });
  return { kind: "joined", path, gen, readOnlyUntil };
}

function placeOf({ endpoint, region, bucket, prefix, credentials }: StoreLocation): StoreLocation {
  return { endpoint, region, bucket, prefix, credentials };
}

function otherVault({ env }: Target, isGone: boolean): InputError {
  const fault = isGone ? "the vault that this machine knows is not at this prefix" : "this prefix holds another vault";
  return new InputError(fault, {
    hint: `check bucket and prefix; to forget the vault that this machine knows, vsync init --env=${env} --reset`,
  });
}
