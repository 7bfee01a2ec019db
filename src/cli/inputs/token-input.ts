import type { RuntimeToken } from "../../blob/token.ts";
import { decodeToken } from "../../blob/token.ts";
import type { Secret } from "../../crypto/secret.ts";
import { ConfigMissingError, InputError } from "../../errors.ts";
import { credentialOf, type Opening } from "../../stores/token.ts";
import {
  isSetIn,
  PASSPHRASE,
  readGivenSecret,
  readPassphrase,
  type SecretInput,
  type SecretSources,
} from "./secret-input.ts";

const MAX_TOKEN_BYTES = 1024 * 1024;

const TOKEN = {
  what: "the runtime token",
  flag: "file",
  variable: "VSYNC_CONFIG",
} as const satisfies Pick<SecretInput, "what" | "flag" | "variable">;

export const CREDENTIAL: SecretInput = {
  what: "the scoped token",
  flag: "with-token",
  variable: "VSYNC_TOKEN",
  question: "Scoped token:",
};

/**
 * Reads what opens the token's vault: the credential in `VSYNC_TOKEN_FILE` or `VSYNC_TOKEN`, else the token's own, else
 * the passphrase, which is not read if there is a credential.
 *
 * @throws ConfigMissingError VSYNC_TOKEN is set but empty
 * @throws InputError the passphrase is missing too
 */
export async function readOpening(
  token: RuntimeToken,
  passphraseFile: string | undefined,
  sources: SecretSources,
): Promise<Opening> {
  const credential = credentialOf(token, await findCredential(sources));
  return credential ?? { kind: "passphrase", ...(await readPassphrase(PASSPHRASE, passphraseFile, sources)) };
}

/**
 * The credential in `VSYNC_TOKEN_FILE` or `VSYNC_TOKEN`, or null.
 *
 * @throws ConfigMissingError the variable is set but empty
 */
export async function findCredential(sources: SecretSources): Promise<Secret | null> {
  const { variables } = sources;
  if (variables["VSYNC_TOKEN"] === "" && !variables["VSYNC_TOKEN_FILE"]) {
    throw new ConfigMissingError("VSYNC_TOKEN is empty", {
      hint: "set it to what `vsync tokens create --split` prints, or unset it",
    });
  }
  return readGivenSecret(CREDENTIAL, undefined, sources);
}

/** Whether a scoped token is given, in `VSYNC_TOKEN` or in `VSYNC_CONFIG`. */
export async function hasCredential(sources: SecretSources): Promise<boolean> {
  return isSetIn(sources.variables, CREDENTIAL) || (await findToken(undefined, sources))?.token !== undefined;
}

/**
 * The runtime token from the flag's file, `VSYNC_CONFIG_FILE` or `VSYNC_CONFIG`; null if none of them is set.
 *
 * @throws what `decodeToken` throws
 * @throws InputError the file cannot be used
 */
export async function findToken(file: string | undefined, sources: SecretSources): Promise<RuntimeToken | null> {
  const given = await readGivenSecret(TOKEN, file, sources);
  return given === null ? null : decodeToken(given.exposeText());
}

/**
 * Like `findToken`, but falls back to stdin.
 *
 * @throws InputError stdin is empty or a terminal
 */
export async function readToken(file: string | undefined, sources: SecretSources): Promise<RuntimeToken> {
  return (await findToken(file, sources)) ?? decodeToken(await textOnStdin(sources));
}

async function textOnStdin({ stdin }: SecretSources): Promise<string> {
  const bytes = stdin.isTerminal ? new Uint8Array() : await stdin.read("the runtime token", MAX_TOKEN_BYTES);
  const text = new TextDecoder().decode(bytes).trimEnd();
  if (text !== "") return text;
  throw new InputError("missing the runtime token", {
    hint: "give it on stdin, in VSYNC_CONFIG or VSYNC_CONFIG_FILE, or with --file=<file>",
  });
}
