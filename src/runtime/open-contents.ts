import { decodeToken } from "../blob/token.ts";
import { systemClock } from "../stores/open-store.ts";
import { vaultOf } from "../stores/token.ts";
import { openVault } from "../vault/open/open.ts";
import { PassphraseHolder } from "../vault/unlock/passphrase-holder.ts";
import { type Contents, contentsOf } from "./contents.ts";
import { readInputs } from "./inputs.ts";
import { openThroughCache } from "./open-cached.ts";
import type { Environment, OpenOptions, Warn } from "./options.ts";
import { timeoutOf } from "./options.ts";

/** The share of the time that the store gets if a cache can stand in for it. */
const STORE_SHARE = 0.5;
/** The share for reading the cache, and again for writing it. */
const DISK_SHARE = 0.2;

/** Goes from the options to the decrypted items. Zeroes token and passphrase on the way out. */
export async function openContents(
  options: OpenOptions,
  variables: Environment,
  warn: Warn,
  signal: AbortSignal,
): Promise<Contents> {
  using inputs = await readInputs(options, variables, warn);
  const { expect, hint, openStore } = vaultOf(decodeToken(inputs.config.exposeText()));
  using holder = new PassphraseHolder(inputs.passphrase, hint);
  // Loading the AWS SDK takes about as long as a derivation, which runs on another thread.
  holder.prepare();
  const ports = { store: await openStore(), clock: systemClock };
  const request = { holder, expect, signal };
  if (options.cache === undefined) return contentsOf(await openVault(ports, request));
  const timeoutMs = timeoutOf(options);
  const times = { maxAgeMs: options.maxAge, patienceMs: timeoutMs * STORE_SHARE, diskMs: timeoutMs * DISK_SHARE };
  return await openThroughCache(ports, request, { path: options.cache, ...times, warn });
}
