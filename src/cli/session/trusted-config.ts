import { InputError, ManifestNotFoundError, NotAuthenticError } from "../../errors.ts";
import { findConfig, type LocalConfig } from "../config/local-config.ts";
import { newCredentials } from "../inputs/credentials.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { protectionOf } from "../project/config-here.ts";
import { type FilePlace, placeInFile } from "../project/project-place.ts";
import type { Which } from "../project/which-vault.ts";
import { openStore } from "./store.ts";

/**
 * A config for a machine without one, as in CI, made from the project file and the environment's credentials. It is not
 * stored. Null unless `VSYNC_TRUST_PROJECT=1` says that the checkout may use these credentials.
 *
 * @throws InputError the file does not name the vault's id, without which another bucket's vault could take its place
 * @throws ManifestNotFoundError, NotAuthenticError the place holds no vault, or another one
 */
export async function trustedConfig(which: Which, sources: SecretSources): Promise<LocalConfig | null> {
  const { variables } = sources;
  const isAmbient = variables["VSYNC_AMBIENT"] === "1";
  const isTrusted = variables["VSYNC_TRUST_PROJECT"] === "1" && (isAmbient || Boolean(variables["VSYNC_ACCESS_KEY"]));
  const filed = isTrusted ? placeInFile(which) : null;
  if (filed === null || (await findConfig(which).catch(() => null)) !== null) return null;
  // Loaded only here, because every command needs its config but few run in CI.
  const { fetchManifest } = await import("../../vault/open/open-manifest.ts");
  const { hintOf } = await import("../../vault/unlock/passphrase-holder.ts");
  const vault = requireVault(filed, which);
  const location = { ...filed.place, credentials: await newCredentials({ ambient: isAmbient }, null, sources) };
  const manifest = (await fetchManifest(await openStore(location)))?.manifest;
  if (manifest === undefined) {
    throw new ManifestNotFoundError(`no vault at ${location.bucket}/${location.prefix}`, {
      hint: `check ${filed.path}; the first push is made where vsync init was run`,
    });
  }
  if (manifest.vault !== vault) {
    throw new NotAuthenticError(`the manifest belongs to vault ${manifest.vault}, but ${filed.path} names ${vault}`);
  }
  const { cost: kdf, recipient } = hintOf(manifest);
  const { named: _named, isEnvTyped: _typed, ...target } = which;
  return { ...target, ...location, vault, kdf, recipient, seenGen: 1, isTransient: true, ...protectionOf(which) };
}

function requireVault({ path, vault }: FilePlace, { env }: Which): string {
  if (vault !== undefined) return vault;
  throw new InputError(`${path} does not name the vault of ${env}, so it cannot be trusted without a config`, {
    hint: "run vsync init where the vault was set up: it writes the vault's id into the file",
  });
}
