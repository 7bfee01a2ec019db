import type { Secret } from "../../crypto/secret.ts";
import type { ObjectStore } from "../../ports.ts";
import { systemClock } from "../../stores/open-store.ts";
import { examineTokens } from "../../vault/tokens/planted.ts";
import { holderOf, knownVaultOf } from "../config/known-vault.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs } from "../config/target.ts";
import { badOrThrow, type Check, good, warning } from "./check.ts";

/** Compares the scoped tokens of a vault with all of its audit rows, because somebody may have planted one. */
export async function* checkTokens(
  store: ObjectStore,
  config: LocalConfig,
  passphrase: Secret,
): AsyncGenerator<Check, void> {
  using holder = holderOf(passphrase, config);
  try {
    const request = { holder, expect: knownVaultOf(config) };
    const found = await examineTokens({ store, clock: systemClock }, request);
    if (found === null) return;
    const live = `${found.live} live scoped ${found.live === 1 ? "token" : "tokens"}, none of them planted`;
    if (found.sealed === 0) yield good("tokens", live);
    else {
      const message = `${live}; ${found.sealed} expired, and the newest generation still has keys for them`;
      yield warning("tokens", message, `vsync tokens prune ${vaultArgs(config)}`);
    }
  } catch (error) {
    yield badOrThrow("tokens", error);
  }
}
