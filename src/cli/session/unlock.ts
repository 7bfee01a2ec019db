import { InputError } from "../../errors.ts";
import { systemClock } from "../../stores/open-store.ts";
import { openManifest } from "../../vault/open/open-manifest.ts";
import { givenEnv, vaultFlags } from "../config/target.ts";
import { forgetKeys, keepKey } from "../inputs/kept-key.ts";
import { PASSPHRASE, type SecretSources } from "../inputs/secret-input.ts";
import { counted } from "../terminal/consent.ts";
import { configOf } from "./config.ts";
import { type SessionInput, sessionOn } from "./session.ts";

interface JsonInput {
  readonly flags: { readonly json?: boolean };
}

/**
 * Proves the passphrase and keeps its derived key for this login session.
 *
 * @throws InputError the folder is not one of the config's, the passphrase only reads, or the login has no keyring of
 * its own
 * @throws what `openManifest` throws
 */
export async function unlockVault(
  input: SessionInput & JsonInput,
  forMs: number,
  sources: SecretSources,
): Promise<void> {
  const config = await configOf(input, sources, { use: "values", wantsEnv: true });
  const { repo, env } = config;
  if (!config.isAtRoot) {
    throw new InputError(`${repo}/${env} can only be unlocked from one of its own folders`, {
      hint: `to use it here, too: vsync init ${vaultFlags(config)}`,
    });
  }
  using session = await sessionOn(config, input.flags, sources, PASSPHRASE);
  const { manifest, unlocked } = await openManifest(session.ports, session.request);
  unlocked.requireWriter();
  const key = await session.request.holder.keyFor(manifest);
  if (key === null) throw new TypeError("the passphrase has opened the manifest");
  keepKey(config, key, forMs);
  await session.remember(manifest);
  const until = new Date(systemClock.nowMs() + forMs);
  const clock = until.toTimeString().slice(0, 5);
  if (input.flags.json) sources.output.json({ repo, env, until: until.toISOString() });
  sources.output.done(`Unlocked ${repo}/${env} until ${clock}, in this login session; vsync lock ends it`);
}

/** Forgets the key of the named env, or all keys of this login session. */
export async function lockVaults(input: SessionInput & JsonInput, sources: SecretSources): Promise<void> {
  const isAll = givenEnv(input) === undefined;
  const config = isAll ? null : await configOf(input, sources, { use: "values" });
  const count = forgetKeys(config);
  const what = config === null ? counted(count, "vault") : `${config.repo}/${config.env}`;
  if (input.flags.json) sources.output.json({ env: config?.env ?? null, locked: count });
  sources.output.done(count === 0 ? "Nothing was unlocked" : `Locked ${what}`);
}
