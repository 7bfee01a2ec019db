import type { RuntimeToken } from "../../blob/token.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { configPath } from "../config/paths.ts";
import { PASSPHRASE, readGivenSecret, type SecretSources } from "../inputs/secret-input.ts";
import { resolveTarget, type Which } from "../project/which-vault.ts";
import { configFor } from "../session/config.ts";
import type { SessionInput } from "../session/session.ts";
import { tokenAlone } from "../session/token-alone.ts";
import { attempt, type Check, type Examination, good, warning } from "./check.ts";
import { checkRuntimeKey, checkTokenAlone } from "./runtime-key-check.ts";
import { checkStore } from "./store-checks.ts";
import { checkVault } from "./vault-checks.ts";

/** Showing names would bind a config that has no roots yet, and doctor changes nothing. */
const USE = { use: "values" } as const;

export interface DoctorInput extends SessionInput {
  readonly flags: SessionInput["flags"] & { readonly ci?: boolean };
}

/**
 * Checks everything between this machine and its vault. A fault becomes a check and is not thrown.
 *
 * @throws InputError no env, or a passphrase file that cannot be used
 */
export async function examine(input: DoctorInput, sources: SecretSources): Promise<Examination> {
  const alone = await tokenAlone(input, sources);
  if (alone !== null) return examineToken(alone, input, sources);
  const target = await resolveTarget(input, sources.output.warn, USE);
  const passphrase = await readGivenSecret(PASSPHRASE, input.flags["passphrase-file"], sources);
  const checks = (async function* () {
    const config = yield* attempt("config", checkConfig(target, sources));
    if (config === null) return;
    const examined = yield* checkStore(config);
    if (examined !== null) yield* checkVault(examined.store, config, { passphrase, isCi: input.flags.ci ?? false });
    yield* attempt("runtime key", checkRuntimeKey(config, examined, sources));
  })();
  return { target, hasPassphrase: passphrase !== null, checks };
}

/** For an app's host, which has no config. Opening the vault proves the token. */
function examineToken(token: RuntimeToken, input: DoctorInput, sources: SecretSources): Examination {
  const checks = (async function* () {
    yield good("config", "none here: VSYNC_CONFIG names the vault");
    yield* checkTokenAlone(token, input, sources);
  })();
  return { target: { repo: null, env: token.env }, hasPassphrase: true, checks };
}

/** Checks that the config is valid and that only its owner can read it. */
async function* checkConfig(target: Which, sources: SecretSources): AsyncGenerator<Check, LocalConfig> {
  const path = configPath(target);
  const exposures: string[] = [];
  const config = await configFor(target, sources, USE, (text) => exposures.push(text));
  if (config.isTransient) yield good("config", "none needed: the project file and the environment have everything");
  else
    yield exposures.length === 0
      ? good("config", `${path} exists, and only you have access to it`)
      : warning("config", `${path} can be read by other users`, `chmod 600 ${path}`);
  return config;
}
