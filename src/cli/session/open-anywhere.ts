import { InputError } from "../../errors.ts";
import { systemClock } from "../../stores/open-store.ts";
import { holderOf, vaultOf } from "../../stores/token.ts";
import { type OpenedVault, openVault } from "../../vault/open/open.ts";
import { givenEnv } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findToken, readOpening } from "../inputs/token-input.ts";
import { openSession, type SessionInput } from "./session.ts";
import { openStore } from "./store.ts";

/**
 * Opens the vault that is named: an env of this machine's config, else the runtime token in `VSYNC_CONFIG`.
 *
 * @throws InputError neither is given
 */
export async function openAnywhere(input: SessionInput, sources: SecretSources): Promise<OpenedVault> {
  if (givenEnv(input) !== undefined) return openConfigured(input, sources);
  const token = await findToken(undefined, sources);
  if (token === null) {
    throw new InputError("no vault is named", {
      hint: "name the environment, as in --env=prod, or set VSYNC_CONFIG to a token: `vsync tokens create` makes one",
    });
  }
  const named = vaultOf(token, openStore);
  using holder = holderOf(token, await readOpening(token, input.flags["passphrase-file"], sources));
  const ports = { store: await named.openStore(), clock: systemClock };
  return await openVault(ports, { holder, expect: named.expect });
}

async function openConfigured(input: SessionInput, sources: SecretSources): Promise<OpenedVault> {
  using session = await openSession(input, sources);
  const vault = await openVault(session.ports, session.request);
  await session.remember(vault.manifest);
  return vault;
}
