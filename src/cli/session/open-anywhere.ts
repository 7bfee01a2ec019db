import { ConfigMissingError } from "../../errors.ts";
import { hasMoved, movedTo } from "../../vault/format/moved.ts";
import { type OpenedVault, openVault } from "../../vault/open/open.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { givenEnv } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findToken } from "../inputs/token-input.ts";
import type { Use } from "../project/which-vault.ts";
import type { Output } from "../terminal/output.ts";
import type { Open, OpenedItems } from "./open-configured.ts";
import type { SessionInput } from "./session.ts";
import { throughToken } from "./through-token.ts";

/**
 * Opens the vault of the env that the command names, else of the runtime token in `VSYNC_CONFIG`, else of the default
 * env.
 *
 * @throws InputError nothing says which vault
 * @throws ConfigMissingError `VSYNC_TOKEN` is set, `VSYNC_CONFIG` is not, and no env is named
 */
export function openAnywhere(input: SessionInput, sources: SecretSources, use?: Use): Promise<VaultAnywhere> {
  return openThrough(input, sources, openVault, use);
}

/** The config that the vault was opened with; null for a runtime token. */
export interface OpenedWith {
  readonly config: LocalConfig | null;
}

export type VaultAnywhere = OpenedVault & OpenedWith;

/** Like `openAnywhere`, with another function in place of `openVault`. */
export async function openThrough<T extends OpenedItems>(
  input: SessionInput,
  sources: SecretSources,
  open: Open<T>,
  use: Use = { use: "values" },
): Promise<T & OpenedWith> {
  const token = givenEnv(input) === undefined ? await findToken(undefined, sources) : null;
  if (token === null && givenEnv(input) === undefined) requireNoCredential(sources);
  // Loaded only here, because an app's host has a token and no config.
  const openHere = async () => (await import("./open-configured.ts")).openConfigured(input, sources, open, use);
  const vault = await (token === null
    ? openHere()
    : throughToken(token, input, sources, async ({ ports, request }) => ({
        ...(await open(ports, request)),
        config: null,
      })));
  warnOfMove(vault, sources.output);
  return vault;
}

/**
 * Otherwise the passphrase would read more than the token may.
 *
 * @throws ConfigMissingError a credential is set without VSYNC_CONFIG
 */
function requireNoCredential({ variables }: SecretSources): void {
  const name = ["VSYNC_TOKEN_FILE", "VSYNC_TOKEN"].find((it) => variables[it]);
  if (name === undefined) return;
  throw new ConfigMissingError(
    `${name} is set, but VSYNC_CONFIG is not: nothing says which vault the token belongs to`,
    {
      hint: "set VSYNC_CONFIG to what `vsync runtime-token` prints, or name an env to read with the passphrase",
    },
  );
}

/** The old place still opens, but gets no more changes. */
function warnOfMove({ manifest }: OpenedItems, output: Output): void {
  const to = manifest === undefined ? null : movedTo(manifest);
  if (manifest === undefined || to === null) return;
  const { message, hint } = hasMoved(manifest, to);
  output.warn(`${message}, and these are its last values there; ${hint}`);
}
