import type { RuntimeToken } from "../../blob/token.ts";
import { reachVault } from "../../stores/token.ts";
import type { Claims } from "../../tokens/claims.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import { openWithKeys } from "../../vault/open/open.ts";
import { listEnvs } from "../config/paths.ts";
import { givenEnv } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findToken, readOpening } from "../inputs/token-input.ts";
import { findRepo, surroundings } from "../project/which-vault.ts";
import type { SessionInput } from "./session.ts";
import { openStore } from "./store.ts";

/**
 * The runtime token on an app's host: the command names no vault, and no config here belongs to this folder's repo.
 * Null elsewhere.
 *
 * @throws what `findToken` throws
 */
export async function tokenAlone(input: SessionInput, sources: SecretSources): Promise<RuntimeToken | null> {
  if (givenEnv(input) !== undefined || input.flags.repo !== undefined) return null;
  const repo = await findRepo(
    undefined,
    surroundings(() => undefined),
  );
  return repo !== null && (await listEnvs(repo.name)).length > 0 ? null : findToken(undefined, sources);
}

/** What a runtime token opens now, with the credential or passphrase given along with it. */
export interface OpenedByToken {
  readonly manifest: Manifest;
  readonly names: readonly string[];
  /** The claims of a scoped token; null for a passphrase. */
  readonly claims: Claims | null;
}

/** @throws what `readOpening`, `reachVault` and opening throw */
export async function openAlone(
  token: RuntimeToken,
  { flags }: SessionInput,
  sources: SecretSources,
): Promise<OpenedByToken> {
  using vault = await reachVault(token, await readOpening(token, flags["passphrase-file"], sources), openStore);
  const { manifest, bundle } = await openWithKeys(vault.ports, vault.request);
  using keys = bundle.keys;
  for (const { data } of bundle.items) data.destroy();
  return { manifest, names: bundle.items.map(({ name }) => name), claims: keys.token?.claims ?? null };
}
