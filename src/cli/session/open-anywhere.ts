import type { RuntimeToken } from "../../blob/token.ts";
import { systemClock } from "../../stores/open-store.ts";
import { holderOf, vaultOf } from "../../stores/token.ts";
import { type OpenedVault, openVault } from "../../vault/open/open.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { givenEnv } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findToken, readOpening } from "../inputs/token-input.ts";
import type { Use } from "../project/which-vault.ts";
import { listed } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";
import { openSession, type SessionInput } from "./session.ts";
import { openStore } from "./store.ts";

/**
 * Opens the vault that is meant: of the env that the command names, else of the runtime token in `VSYNC_CONFIG`, else of
 * the env that goes without saying.
 *
 * @throws InputError there is none of these
 */
export async function openAnywhere(
  input: SessionInput,
  sources: SecretSources,
  use: Use = { use: "values" },
): Promise<OpenedVault> {
  const token = givenEnv(input) === undefined ? await findToken(undefined, sources) : null;
  return token === null ? openConfigured(input, sources, use) : openByToken(token, input, sources);
}

async function openByToken(token: RuntimeToken, input: SessionInput, sources: SecretSources): Promise<OpenedVault> {
  const named = vaultOf(token, openStore);
  using holder = holderOf(token, await readOpening(token, input.flags["passphrase-file"], sources));
  const ports = { store: await named.openStore(await holder.agent?.()), clock: systemClock };
  return await openVault(ports, { holder, expect: named.expect });
}

async function openConfigured(input: SessionInput, sources: SecretSources, use: Use): Promise<OpenedVault> {
  using session = await openSession(input, sources, use);
  const vault = await openVault(session.ports, session.request);
  if (use.isComplete) warnOfMissing(session.config, vault, sources.output);
  await session.remember(vault.manifest);
  return vault;
}

/** The names that the project file requires and the vault lacks. */
export function missingNames({ required = [] }: LocalConfig, { bundle }: OpenedVault): readonly string[] {
  const names = new Set(bundle.items.map(({ name }) => name));
  return required.filter((name) => !names.has(name));
}

function warnOfMissing(config: LocalConfig, vault: OpenedVault, output: Output): void {
  const missing = missingNames(config, vault);
  if (missing.length > 0)
    output.warn(`${config.repo}/${config.env} lacks ${listed(missing)}, which the project file requires`);
}
