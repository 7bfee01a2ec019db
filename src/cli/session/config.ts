import { AccessDeniedError } from "../../errors.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import type { LocalConfig, Warn } from "../config/local-config.ts";
import { type TargetInput, vaultFlags } from "../config/target.ts";
import { isSetIn, type SecretSources } from "../inputs/secret-input.ts";
import { configHere, requireNamed } from "../project/config-here.ts";
import { resolveTarget, type Use, type Which } from "../project/which-vault.ts";
import { trustedConfig } from "./trusted-config.ts";

/**
 * This machine's config for the vault that the command means.
 *
 * @throws what `resolveTarget` and `configHere` throw
 */
export async function configOf(input: TargetInput, sources: SecretSources, use: Use): Promise<LocalConfig> {
  const { output, variables } = sources;
  const which = await resolveTarget(input, output.warn, use);
  const hasToken = isSetIn(variables, { variable: "VSYNC_CONFIG" });
  if (use.use === "write" && hasToken && !which.isEnvTyped) {
    output.say(`VSYNC_CONFIG is only for reading, so this uses ${which.repo}/${which.env}`);
  }
  return configFor(which, sources, use);
}

/**
 * Like `configOf`, for a vault that is known by name.
 *
 * @throws AccessDeniedError the command writes, and this machine only reads
 */
export async function configFor(
  which: Which,
  sources: SecretSources,
  use: Use,
  warn: Warn = sources.output.warn,
): Promise<LocalConfig> {
  const config = (await trustedConfig(which, sources)) ?? (await configHere(which, use, warn));
  requireNamed(which, config, use);
  if (config.role === "reader" && use.use === "write") throw readsOnly(config);
  return config;
}

function readsOnly(config: LocalConfig): AccessDeniedError {
  const { repo, env } = config;
  const init = `vsync init ${vaultFlags(config)}`;
  if (isDirectoryStore(config)) {
    return new AccessDeniedError(`this machine may only read the store of ${repo}/${env}`, {
      hint: `to write, get the right to write in its folder, and run ${init} again`,
    });
  }
  return new AccessDeniedError(`this machine has a reader's key for ${repo}/${env}: it cannot write`, {
    hint: `to write, give an operator's key: ${init}`,
  });
}
