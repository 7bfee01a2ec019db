import { LocalConfigMissingError } from "../../errors.ts";
import type { Item } from "../../vault/format/item.ts";
import type { Manifest } from "../../vault/format/manifest.ts";
import type { OpenRequest, ReadPorts } from "../../vault/open/open-manifest.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { givenEnv } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { NoRepositoryError, type Use } from "../project/which-vault.ts";
import { listed } from "../terminal/consent.ts";
import type { Output } from "../terminal/output.ts";
import { openSession, type SessionInput } from "./session.ts";

/** A vault that was opened for reading. */
export interface OpenedItems {
  /** Undefined if this machine has seen nothing new. */
  readonly manifest: Manifest | undefined;
  readonly bundle: { readonly items: readonly Item[] };
}

export type Open<T extends OpenedItems> = (ports: ReadPorts, request: OpenRequest) => Promise<T>;

/** The part of `openThrough` for a vault that this machine has a config for. */
export async function openConfigured<T extends OpenedItems>(
  input: SessionInput,
  sources: SecretSources,
  open: Open<T>,
  use: Use,
): Promise<T & { readonly config: LocalConfig }> {
  using session = await openSession(input, sources, use).catch((error: unknown) => {
    throw namingTheToken(error, input, sources);
  });
  const vault = await open(session.ports, session.request);
  if (use.isComplete) warnOfMissing(session.config, vault, sources.output);
  await session.remember(vault.manifest);
  return { ...vault, config: session.config };
}

/** If a token is set and the user names an env without a config, they probably mean the token's vault. */
function namingTheToken(error: unknown, input: SessionInput, { variables }: SecretSources): unknown {
  const [env, from] = [givenEnv(input), ["VSYNC_CONFIG", "VSYNC_CONFIG_FILE"].find((name) => variables[name])];
  const isUnknown = error instanceof LocalConfigMissingError || error instanceof NoRepositoryError;
  if (!isUnknown || env === undefined || from === undefined) return error;
  return new LocalConfigMissingError(`${from} is set, but ${env} was named: ${error.message}`, {
    hint: `for the vault of ${from}, leave out ${env}`,
  });
}

/** The names that the project file requires and the vault lacks. */
export function missingNames(
  { required = [] }: LocalConfig,
  { bundle }: Pick<OpenedItems, "bundle">,
): readonly string[] {
  const names = new Set(bundle.items.map(({ name }) => name));
  return required.filter((name) => !names.has(name));
}

function warnOfMissing(config: LocalConfig, vault: OpenedItems, output: Output): void {
  const missing = missingNames(config, vault);
  if (missing.length > 0)
    output.warn(`${config.repo}/${config.env} lacks ${listed(missing)}, which the project file requires`);
}
