import type { RuntimeToken } from "../../blob/token.ts";
import type { ReachedVault } from "../../stores/token.ts";
import type { Claims } from "../../tokens/claims.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import { openWithKeys } from "../../vault/open/open.ts";
import { listEnvs } from "../config/paths.ts";
import { givenEnv } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findToken } from "../inputs/token-input.ts";
import { findRepo, surroundings } from "../project/which-vault.ts";
import type { SessionInput } from "./session.ts";
import { throughToken } from "./through-token.ts";

/**
 * The runtime token on an app's host: the command names no vault, and no config here belongs to this folder's repo.
 * Null elsewhere.
 *
 * @throws what `findToken` throws
 */
export async function tokenAlone(input: SessionInput, sources: SecretSources): Promise<RuntimeToken | null> {
  if (givenEnv(input) !== undefined || input.flags.repo !== undefined) return null;
  const repo = await findRepo(undefined, surroundings());
  return repo !== null && (await listEnvs(repo.name)).length > 0 ? null : findToken(undefined, sources);
}

/** What a runtime token opens now, with the credential or passphrase given along with it. */
export interface OpenedByToken {
  readonly manifest: Manifest;
  readonly names: readonly string[];
  /** The claims of a scoped token; null for a passphrase. */
  readonly claims: Claims | null;
}

/** @throws what `throughToken` and opening throw */
export async function openAlone(
  token: RuntimeToken,
  input: SessionInput,
  sources: SecretSources,
): Promise<OpenedByToken> {
  const open = ({ ports, request }: ReachedVault) => openWithKeys(ports, request);
  const { manifest, bundle } = await throughToken(token, input, sources, open);
  using keys = bundle.keys;
  for (const { data } of bundle.items) data.destroy();
  return { manifest, names: bundle.items.map(({ name }) => name), claims: keys.token?.claims ?? null };
}
