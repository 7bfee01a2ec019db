import { InputError } from "../errors.ts";
import { fetchManifest } from "../vault/fetch-manifest.ts";
import { createIdentity, joinVault } from "../vault/identity.ts";
import type { ObjectStore } from "../vault/ports.ts";
import { type LocalConfig, saveConfig } from "./local-config.ts";
import { FIRST_PASSPHRASE, PASSPHRASE, readSecret, type SecretSources } from "./secret-input.ts";
import { type StoreLocation, systemClock, systemRandom } from "./stores.ts";
import type { Target } from "./target.ts";

export interface InitRequest {
  readonly target: Target;
  readonly location: StoreLocation;
  readonly store: ObjectStore;
  readonly current: LocalConfig | null;
  /** Forget what the config says of vault and passphrase. */
  readonly reset: boolean;
  readonly passphraseFile: string | undefined;
}

export type Initialized =
  /** There is no vault yet; this machine has drawn the id and salt of the one to come. */
  | { readonly kind: "created"; readonly path: string }
  /** The vault that is there, its passphrase proven. */
  | { readonly kind: "joined"; readonly path: string; readonly gen: number }
  /** The vault and passphrase of the config, at the location that was given. */
  | { readonly kind: "kept"; readonly path: string };

/**
 * Writes the config. Where the prefix holds a vault it is joined, never replaced; vault and salt of a config that is there
 * are kept unless `reset` is typed.
 *
 * @throws InputError the prefix holds another vault than the one that this machine knows
 */
export async function initVault(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  const { target, location, current } = request;
  const there = (await fetchManifest(request.store))?.manifest ?? null;
  if (current !== null && !request.reset) {
    const known = there === null ? current.seenGen === 0 : there.vault === current.vault;
    if (known) return { kind: "kept", path: await saveConfig({ ...current, ...placeOf(location) }) };
    if (current.seenGen > 0) throw otherVault(target, there === null);
  }
  return there === null ? create(request, sources) : join(request, sources);
}

async function create(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  const passphrase = await readSecret(FIRST_PASSPHRASE, request.passphraseFile, sources);
  const { vault, cost, recipient } = await createIdentity(systemRandom, passphrase);
  const fields = { ...request.target, ...placeOf(request.location), vault, kdf: cost, recipient, seenGen: 0 };
  return { kind: "created", path: await saveConfig(fields) };
}

async function join(request: InitRequest, sources: SecretSources): Promise<Initialized> {
  sources.output.say("there is a vault at this prefix already: its passphrase joins this machine to it");
  const passphrase = await readSecret(PASSPHRASE, request.passphraseFile, sources);
  const ports = { store: request.store, clock: systemClock };
  const { manifest, hint } = await joinVault(ports, passphrase, request.target.env);
  const { vault, gen } = manifest;
  const fields = { ...request.target, ...placeOf(request.location), vault, kdf: hint.cost, recipient: hint.recipient };
  return { kind: "joined", path: await saveConfig({ ...fields, seenGen: gen }), gen };
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
