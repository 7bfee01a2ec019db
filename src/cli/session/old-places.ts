import { VsyncError } from "../../errors.ts";
import type { StoreLocation } from "../../stores/location.ts";
import { bundlesLeft } from "../../vault/move.ts";
import { findConfig, type LocalConfig } from "../config/local-config.ts";
import { listEnvs } from "../config/paths.ts";
import { vaultArgs } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import { openStore } from "./store.ts";

/**
 * Warns that a moved vault's old place still opens with what was just taken away: a passphrase, a token, old bundles.
 * This machine knows the old place if it moved the vault, or has a config from before the move.
 */
export async function warnOfOldPlaces(config: LocalConfig, output: Output): Promise<void> {
  for (const place of await oldPlaces(config)) {
    const store = await openStore(place);
    const left = await bundlesLeft(store).catch((error: unknown) => {
      if (error instanceof VsyncError) return null;
      throw error;
    });
    if (left?.length === 0) continue;
    const isMover = config.movedFrom !== undefined;
    const finish = isMover
      ? `vsync move ${vaultArgs(config)} --finish`
      : "vsync move --finish, on the machine that moved it,";
    output.warn(`the old place still opens, at ${store.label}: ${finish} ends that`);
  }
}

async function oldPlaces(config: LocalConfig): Promise<readonly StoreLocation[]> {
  if (config.movedFrom !== undefined) return [config.movedFrom];
  const envs = (await listEnvs(config.repo)).filter((env) => env !== config.env);
  const others = await Promise.all(envs.map((env) => findConfig({ ...config, env }).catch(() => null)));
  return others.flatMap((it) => (it?.vault === config.vault ? [it] : []));
}
