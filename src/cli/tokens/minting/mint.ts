import { decodeToken, encodeToken, type RuntimeToken, TOKEN_ENVELOPE, tokenJson } from "../../../blob/token.ts";
import { encodeBase64 } from "../../../crypto/base64.ts";
import { InputError } from "../../../errors.ts";
import { type Credentials, presentTerms, type StoreLocation } from "../../../stores/location.ts";
import { exposed } from "../../config/config-document.ts";
import type { LocalConfig } from "../../config/local-config.ts";
import { vaultArgs } from "../../config/target.ts";
import { readSecret, type SecretSources } from "../../inputs/secret-input.ts";
import type { Output } from "../../terminal/output.ts";

/** The token for `location`, with what a reader needs from the config before it has the manifest. */
export function mintToken(config: LocalConfig, location: StoreLocation): RuntimeToken {
  const { endpoint, region, bucket, prefix } = location;
  return {
    v: 1,
    endpoint,
    region,
    bucket,
    ...credentialFields(location.credentials),
    prefix,
    env: config.env,
    salt: encodeBase64(config.kdf.salt),
    iterations: config.kdf.iterations,
    kdf: "argon2id",
    memoryKiB: config.kdf.memoryKiB,
    parallelism: config.kdf.parallelism,
    vault: config.vault,
    minGen: config.seenGen,
    ...(config.anchor === undefined ? {} : { anchor: config.anchor }),
    ...presentTerms(location),
  };
}

function credentialFields(credentials: Credentials): Partial<RuntimeToken> {
  return credentials === "ambient" ? { credentials } : exposed(credentials);
}

/** AWS Lambda's limit for all variables together, in bytes. */
const LAMBDA_LIMIT_BYTES = 4096;

/** Prints only the token on stdout, and with `asJson` its content on stderr. */
export function emitToken(token: RuntimeToken, output: Output, { asJson }: { readonly asJson: boolean }): void {
  const text = encodeToken(token);
  if (asJson) showJson(token, output);
  if (text.length > LAMBDA_LIMIT_BYTES) {
    output.warn(
      `the token has ${text.length} bytes: AWS Lambda allows ${LAMBDA_LIMIT_BYTES} for all variables together`,
    );
  }
  output.raw(`${text}\n`);
}

function showJson(token: RuntimeToken, output: Output): void {
  const what = token.secretAccessKey === undefined ? "IS WHAT THE TOKEN HOLDS" : "CONTAINS YOUR AWS SECRET ACCESS KEY";
  const rule = "!".repeat(72);
  for (const line of [rule, `!! THE NEXT LINE ${what}: do not log, paste or store it`, rule]) output.say(line);
  output.say(tokenJson(token));
}

/**
 * Reads a credential from a file, for a token that needs no passphrase.
 *
 * @throws InputError this machine does not know the vault's anchor, or the file cannot be used or is for another vault
 * @throws ConfigInvalidError the file contains neither a credential nor a scoped token
 */
export async function givenCredential(
  file: string | undefined,
  { anchor, ...target }: LocalConfig,
  sources: SecretSources,
): Promise<Pick<RuntimeToken, "token">> {
  if (file === undefined) return {};
  if (anchor === undefined) {
    throw new InputError(`this machine has not seen a scoped token in ${target.env} yet`, {
      hint: `run vsync tokens list ${vaultArgs(target)} once, to learn the vault's anchor`,
    });
  }
  // Loaded only here, because most tokens are minted without a credential.
  const { CREDENTIAL } = await import("../../inputs/token-input.ts");
  const { parseCredential } = await import("../../../tokens/credential.ts");
  using given = await readSecret(CREDENTIAL, file, sources);
  const token = credentialIn(given.exposeText(), target);
  parseCredential(token)[Symbol.dispose]();
  return { token };
}

/** Finds `vsrt_…`, by itself or in what `tokens create` prints without `--split`. */
function credentialIn(text: string, { vault, ...target }: Omit<LocalConfig, "anchor">): string {
  if (!text.startsWith(TOKEN_ENVELOPE)) return text;
  const outer = decodeToken(text);
  if (outer.vault !== undefined && outer.vault !== vault) {
    throw new InputError(`the token belongs to another vault than ${target.repo}/${target.env}`, {
      hint: "`vsync inspect` shows which; name its env with --env=<env>",
    });
  }
  if (outer.token !== undefined) return outer.token;
  throw new InputError("the string has no scoped token in it", {
    hint: "give what `vsync tokens create` printed: runtime-token's own string needs VSYNC_TOKEN or a passphrase as well",
  });
}
