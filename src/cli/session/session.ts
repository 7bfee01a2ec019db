import { systemClock, systemRandom } from "../../stores/open-store.ts";
import type { AmendRequest } from "../../vault/commit/amend.ts";
import type { CommitPorts } from "../../vault/commit/commit.ts";
import type { Annotation } from "../../vault/commit/draft.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { VaultIdentity } from "../../vault/join.ts";
import { hintOf, type PassphraseHolder } from "../../vault/unlock/passphrase-holder.ts";
import { holderOf, seenVaultOf } from "../config/known-vault.ts";
import { type LocalConfig, loadConfig, rememberSeen, type Warn } from "../config/local-config.ts";
import { resolveTarget, type TargetInput } from "../config/target.ts";
import { type MetaPair, metaOf } from "../inputs/meta-flag.ts";
import { PASSPHRASE, readSecret, type SecretInput, type SecretSources } from "../inputs/secret-input.ts";
import { currentActor } from "./actor.ts";
import { openStore } from "./store.ts";

/** What a command with `VAULT_FLAGS` and `PASSPHRASE_FLAG` was given. */
export interface SessionInput extends TargetInput {
  readonly flags: TargetInput["flags"] & {
    readonly "passphrase-file"?: string | undefined;
    readonly note?: string | undefined;
    readonly meta?: readonly MetaPair[] | undefined;
  };
}

/** A vault that this machine has a config for: its store, and what every use-case is asked with. Its end zeroes the passphrase. */
export interface Session extends Disposable {
  readonly config: LocalConfig;
  readonly ports: CommitPorts;
  readonly request: AmendRequest & { readonly holder: PassphraseHolder };
}

/**
 * The config comes before the passphrase: nobody types one for a vault that this machine does not know.
 *
 * @throws LocalConfigMissingError there is no config, or it cannot be used
 * @throws InputError no env, no passphrase
 */
export async function openSession(input: SessionInput, sources: SecretSources): Promise<Session> {
  const config = await configOf(input, (text) => sources.output.warn(text));
  return sessionOn(config, input.flags, sources);
}

/** As `openSession`, of a config that has been read. @throws InputError no passphrase, or a flag says what it cannot */
export async function sessionOn(
  config: LocalConfig,
  flags: SessionInput["flags"],
  sources: SecretSources,
  secret: SecretInput = PASSPHRASE,
): Promise<Session> {
  const annotation = annotationOf(flags);
  const passphrase = await readSecret(secret, flags["passphrase-file"], sources);
  const holder = holderOf(passphrase, config);
  return {
    config,
    ports: { store: await openStore(config), clock: systemClock, random: systemRandom },
    request: { holder, expect: seenVaultOf(config), annotation },
    [Symbol.dispose]() {
      holder[Symbol.dispose]();
      passphrase.destroy();
    },
  };
}

export async function configOf(input: TargetInput, warn: Warn): Promise<LocalConfig> {
  return loadConfig(await resolveTarget(input, warn), warn);
}

function annotationOf({ note, meta }: SessionInput["flags"]): Annotation {
  return { actor: currentActor(), meta: metaOf(meta), ...(note === undefined ? {} : { note }) };
}

export function identityOf({ vault, repo, env, seenGen }: LocalConfig): VaultIdentity {
  return { vault, repo, env, seenGen };
}

/** Keeps what a manifest has shown: its generation, and the hint of the passphrase that may write, for new tokens. */
export async function remember(config: LocalConfig, manifest: Manifest, warn: Warn): Promise<void> {
  const { cost: kdf, recipient } = hintOf(manifest);
  await rememberSeen(config, { gen: manifest.gen, kdf, recipient }, warn);
}
