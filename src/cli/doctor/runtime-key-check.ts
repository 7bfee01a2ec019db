import type { RuntimeToken } from "../../blob/token.ts";
import { DAY_MS } from "../../durations.ts";
import { AccessDeniedError, ConflictError, NotAuthenticError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import { isSamePlace } from "../../stores/location.ts";
import { isDirectoryStore, systemClock } from "../../stores/open-store.ts";
import { credentialOf, storeOf } from "../../stores/token.ts";
import { MAX_MANIFEST_BYTES } from "../../vault/format/limits.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs, vaultFlags } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findCredential, findToken } from "../inputs/token-input.ts";
import type { SessionInput } from "../session/session.ts";
import { openStore } from "../session/store.ts";
import { type OpenedByToken, openAlone } from "../session/token-alone.ts";
import { counted } from "../terminal/consent.ts";
import { attempt, bad, type Check, good, warning } from "./check.ts";
import type { ExaminedStore } from "./store-checks.ts";

/**
 * If `VSYNC_CONFIG` is set, checks that the key in its token can read the manifest and cannot write it, and what a
 * scoped token opens.
 */
export async function* checkRuntimeKey(
  config: LocalConfig,
  examined: ExaminedStore | null,
  sources: SecretSources,
): AsyncGenerator<Check, void> {
  const token = await findToken(undefined, sources);
  if (token === null) return;
  yield await tokenCheck(token, config, examined);
  if (token.env === config.env) yield* attempt("scoped token", checkScopedToken(token, sources));
}

async function* checkScopedToken(token: RuntimeToken, sources: SecretSources): AsyncGenerator<Check, void> {
  if (credentialOf(token, await findCredential(sources)) !== null)
    yield openedCheck(await openAlone(token, { flags: {}, args: {} }, sources));
}

/** On a host that has only a runtime token: checks what it opens, with the credential or passphrase given there. */
export async function* checkTokenAlone(
  token: RuntimeToken,
  input: SessionInput,
  sources: SecretSources,
): AsyncGenerator<Check, void> {
  const isScoped = credentialOf(token, await findCredential(sources)) !== null;
  const opening = async function* () {
    yield openedCheck(await openAlone(token, input, sources));
  };
  yield* attempt(isScoped ? "scoped token" : "passphrase", opening());
}

const RENEWED_BEFORE_MS = 14 * DAY_MS;

function openedCheck({ manifest: { gen, env }, names: { length }, claims }: OpenedByToken): Check {
  const subject = claims === null ? "passphrase" : "scoped token";
  const opens = `opens generation ${gen} and reads ${counted(length, "item")}`;
  const end = claims?.not_after;
  if (end === undefined) return good(subject, opens);
  const ends = `${opens}; it expires ${end}`;
  if (Date.parse(end) - systemClock.nowMs() > RENEWED_BEFORE_MS) return good(subject, ends);
  return warning(subject, ends, `an operator moves its expiry: vsync tokens update ${env} ${claims?.id} --expires=90d`);
}

async function tokenCheck(token: RuntimeToken, config: LocalConfig, examined: ExaminedStore | null): Promise<Check> {
  const { env, vault } = config;
  if (token.env !== env) {
    return warning(
      "runtime key",
      `VSYNC_CONFIG is a token of env ${token.env}: not checked`,
      "unset it, or check that env",
    );
  }
  if (token.vault !== undefined && token.vault !== vault) {
    return bad("runtime key", new NotAuthenticError(`VSYNC_CONFIG is a token of vault ${token.vault}, not ${vault}`));
  }
  const store = await storeOf(token, openStore);
  const stored = await store.get(MANIFEST_KEY, { maxBytes: MAX_MANIFEST_BYTES });
  if (stored === null)
    return warning("runtime key", "nothing to read has been pushed yet", `vsync push ${vaultArgs(config)}`);
  const reads = "the key in VSYNC_CONFIG can read the manifest";
  if (isDirectoryStore(token)) return good("runtime key", "the token in VSYNC_CONFIG can read the manifest");
  if (!examined?.isProven || !isSamePlace(token, config)) {
    return warning(
      "runtime key",
      `${reads}; whether it can write was not tried: the bucket is not proven`,
      PROVE_FIRST,
    );
  }
  return (await mayWrite(store, stored.bytes))
    ? warning(
        "runtime key",
        `${reads} and write it, which it should not`,
        `vsync policy ${vaultFlags(config)} --role=reader`,
      )
    : good("runtime key", `${reads} and cannot write it`);
}

const PROVE_FIRST = "see the lines above, and use a token of this bucket and prefix";

/**
 * Sends a create-only write of the existing manifest, which must fail: with 412 if the key may write, else with 403.
 * This is safe, because the bucket has proved that it keeps the precondition, and the bytes are the same anyway.
 */
async function mayWrite(store: ObjectStore, manifest: Uint8Array): Promise<boolean> {
  try {
    await store.create(MANIFEST_KEY, manifest);
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return true;
    if (error instanceof AccessDeniedError) return false;
    throw error;
  }
}
