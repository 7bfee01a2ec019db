import type { RuntimeToken } from "../../blob/token.ts";
import { AccessDeniedError, ConflictError, NotAuthenticError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import { vaultOf } from "../../stores/token.ts";
import { MAX_MANIFEST_BYTES } from "../../vault/format/limits.ts";
import { MANIFEST_KEY } from "../../vault/format/object-keys.ts";
import type { LocalConfig } from "../config/local-config.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { findToken } from "../inputs/token-input.ts";
import { openStore } from "../session/store.ts";
import { bad, badOrThrow, type Check, good, warning } from "./check.ts";
import type { ExaminedStore } from "./store-checks.ts";

/** What the key of the runtime token in `VSYNC_CONFIG`, if one is set, can do: it should read, and no more. */
export async function* checkRuntimeKey(
  config: LocalConfig,
  examined: ExaminedStore | null,
  sources: SecretSources,
): AsyncGenerator<Check, void> {
  try {
    const token = await findToken(undefined, sources);
    if (token !== null) yield await tokenCheck(token, config, examined);
  } catch (error) {
    yield badOrThrow("runtime key", error);
  }
}

async function tokenCheck(token: RuntimeToken, config: LocalConfig, examined: ExaminedStore | null): Promise<Check> {
  const { env, vault } = config;
  if (token.env !== env) {
    return warning("runtime key", `VSYNC_CONFIG is a token of env ${token.env}: not looked at`, "unset it, or --env");
  }
  if (token.vault !== undefined && token.vault !== vault) {
    return bad("runtime key", new NotAuthenticError(`VSYNC_CONFIG is a token of vault ${token.vault}, not ${vault}`));
  }
  const store = await vaultOf(token, openStore).openStore();
  const stored = await store.get(MANIFEST_KEY, { maxBytes: MAX_MANIFEST_BYTES });
  if (stored === null) return warning("runtime key", "there is no manifest to read yet", `vsync push ${env}`);
  const reads = "the key in VSYNC_CONFIG can read the manifest";
  if (isDirectoryStore(token)) return good("runtime key", "what is in VSYNC_CONFIG can read the manifest");
  if (!examined?.isProven || !isSamePlace(token, config)) {
    return warning(
      "runtime key",
      `${reads}; whether it can write was not tried: the bucket is not proven`,
      PROVE_FIRST,
    );
  }
  return (await mayWrite(store, stored.bytes))
    ? warning("runtime key", `${reads}, and may write it: it should not`, `vsync policy --env=${env} --role=reader`)
    : good("runtime key", `${reads}, and not write it`);
}

const PROVE_FIRST = "look at the lines above, and run this with a token of this bucket and prefix";

function isSamePlace(token: RuntimeToken, { endpoint, bucket, prefix }: LocalConfig): boolean {
  return token.endpoint === endpoint && token.bucket === bucket && token.prefix === prefix;
}

/**
 * Asks for what must be refused either way: a create-only write of the manifest that is there, which a key that may write
 * is told 412, any other 403. Its bytes are those that are there, and the bucket has been proven to keep the precondition.
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
