import { ConflictError, NotAuthenticError, RollbackError } from "../../errors.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { LocalConfig } from "./local-config.ts";

/**
 * Holds a manifest, or its absence, against what this machine has seen of the vault. No passphrase is needed for that: what
 * is wrong here is wrong whoever wrote it.
 *
 * @throws RollbackError it is older, or gone
 * @throws ConflictError it is another vault's, and this machine has not pushed to its own yet
 * @throws NotAuthenticError it is another vault's
 */
export function checkSeen(manifest: Manifest | null, config: LocalConfig): void {
  const { seenGen, vault, env } = config;
  if (manifest === null) {
    if (seenGen === 0) return;
    throw new RollbackError(`the manifest is gone; this machine has seen generation ${seenGen}`, {
      hint: "put the object `manifest` back, from the store's object versions or a backup",
    });
  }
  if (manifest.vault !== vault && seenGen === 0) {
    throw new ConflictError("another vault was pushed here since this machine ran init", {
      hint: `run vsync init --env=${env} again to join it`,
    });
  }
  if (manifest.vault !== vault) {
    throw new NotAuthenticError(`the manifest is of vault ${manifest.vault}, not ${vault}`);
  }
  if (manifest.gen >= seenGen) return;
  throw new RollbackError(`the store offers generation ${manifest.gen}, generation ${seenGen} was seen before`, {
    hint: "an older manifest was put back: find out who, then restore the newest object version",
  });
}
