import type { RuntimeToken } from "../../blob/token.ts";
import { ManifestNotFoundError, RollbackError } from "../../errors.ts";
import { type ReachedVault, reachVault } from "../../stores/token.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { readOpening } from "../inputs/token-input.ts";
import type { SessionInput } from "./session.ts";
import { openStore } from "./store.ts";

/**
 * Uses the vault of a runtime token, with the credential or passphrase given along with it.
 *
 * @throws RollbackError the manifest is gone, and the token says that there was one
 * @throws what `readOpening`, `reachVault` and `use` throw
 */
export async function throughToken<T>(
  token: RuntimeToken,
  { flags }: SessionInput,
  sources: SecretSources,
  use: (vault: ReachedVault) => Promise<T>,
): Promise<T> {
  using vault = await reachVault(token, await readOpening(token, flags["passphrase-file"], sources), openStore);
  try {
    return await use(vault);
  } catch (error) {
    // One exit code for a manifest that is gone, with a token as with this machine's config.
    const isGone = error instanceof ManifestNotFoundError && (token.minGen ?? 0) > 0;
    throw isGone ? new RollbackError(error.message, error.hint === undefined ? {} : { hint: error.hint }) : error;
  }
}
