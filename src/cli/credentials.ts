import { Secret } from "../crypto/secret.ts";
import { InputError } from "../errors.ts";
import type { LocalConfig } from "./local-config.ts";
import { readGivenSecret, readSecret, type SecretInput, type SecretSources } from "./secret-input.ts";
import { type AccessKey, type Credentials, isFileStore } from "./stores.ts";

const SECRET_KEY: SecretInput = {
  what: "the secret access key",
  flag: "secret-key-file",
  variable: "VSYNC_SECRET_KEY",
  question: "Secret access key:",
};

const SESSION_TOKEN: SecretInput = {
  what: "the session token",
  flag: "session-token-file",
  variable: "VSYNC_SESSION_TOKEN",
  question: "Session token:",
};

/** What `CREDENTIAL_FLAGS` were given. */
export interface CredentialFlags {
  readonly endpoint?: string | undefined;
  readonly ambient?: boolean | undefined;
  readonly "access-key"?: string | undefined;
  readonly "secret-key"?: string | undefined;
  readonly "secret-key-file"?: string | undefined;
  readonly "session-token"?: string | undefined;
  readonly "session-token-file"?: string | undefined;
}

/**
 * The credentials that go into a token: flags and variables, else the config's, else a prompt. An access key that is given
 * never meets the secret of another one.
 *
 * @throws InputError there are none, and nobody can be asked
 */
export async function tokenCredentials(
  flags: CredentialFlags,
  config: LocalConfig,
  sources: SecretSources,
): Promise<Credentials> {
  if (flags.ambient || isFileStore({ endpoint: flags.endpoint ?? config.endpoint })) return "ambient";
  return accessKey(flags, config.credentials === "ambient" ? null : config.credentials, sources);
}

/**
 * The credentials that a config is to hold: as `tokenCredentials`; those that are there already stay.
 *
 * @throws InputError there are none, and nobody can be asked
 */
export async function newCredentials(
  flags: CredentialFlags,
  current: LocalConfig | null,
  sources: SecretSources,
): Promise<Credentials> {
  const given = [flags["access-key"], sources.env["VSYNC_ACCESS_KEY"]].some((id) => id !== undefined);
  if (flags.ambient || (current?.credentials === "ambient" && !given && !isFileStore(current))) return "ambient";
  const configured = current === null || current.credentials === "ambient" ? null : current.credentials;
  if (configured === null && !given && sources.prompter.isInteractive) {
    const stored = await sources.prompter.confirm("Store an access key in the config? (no: the platform's own chain)");
    if (!stored) return "ambient";
  }
  return accessKey(flags, configured, sources);
}

async function accessKey(
  flags: CredentialFlags,
  configured: AccessKey | null,
  sources: SecretSources,
): Promise<AccessKey> {
  warnOfArgv(flags, sources);
  const accessKeyId = flags["access-key"] ?? sources.env["VSYNC_ACCESS_KEY"];
  const secret = await givenSecret(SECRET_KEY, flags["secret-key"], flags["secret-key-file"], sources);
  const token = await givenSecret(SESSION_TOKEN, flags["session-token"], flags["session-token-file"], sources);
  const given = { accessKeyId, secret, token };
  return accessKeyId === undefined && secret === null && configured !== null
    ? withToken(configured, token)
    : completed(given, configured, sources);
}

interface Given {
  readonly accessKeyId: string | undefined;
  readonly secret: Secret | null;
  readonly token: Secret | null;
}

async function completed(given: Given, configured: AccessKey | null, sources: SecretSources): Promise<AccessKey> {
  const accessKeyId = given.accessKeyId ?? configured?.accessKeyId ?? (await askAccessKey(sources));
  const own = accessKeyId === configured?.accessKeyId ? configured.secretAccessKey : null;
  const secretAccessKey = given.secret ?? own ?? (await readSecret(SECRET_KEY, undefined, sources));
  return withToken({ accessKeyId, secretAccessKey }, given.token);
}

function withToken(key: AccessKey, sessionToken: Secret | null): AccessKey {
  return sessionToken === null ? key : { ...key, sessionToken };
}

async function givenSecret(
  input: SecretInput,
  value: string | undefined,
  file: string | undefined,
  sources: SecretSources,
): Promise<Secret | null> {
  return value === undefined ? readGivenSecret(input, file, sources) : Secret.ofText(value);
}

async function askAccessKey({ prompter }: SecretSources): Promise<string> {
  if (!prompter.isInteractive) {
    throw new InputError("missing the credentials", {
      hint:
        "give --access-key (or VSYNC_ACCESS_KEY) and --secret-key-file=<file> (- is stdin), VSYNC_SECRET_KEY_FILE or " +
        "VSYNC_SECRET_KEY; or --ambient, for the platform's own chain",
    });
  }
  const check = (answer: string) => (answer.trim() === "" ? "must not be empty" : null);
  return (await prompter.text({ message: "Access key id:", check })).trim();
}

function warnOfArgv(flags: CredentialFlags, { output }: SecretSources): void {
  for (const name of ["secret-key", "session-token"] as const) {
    if (flags[name] === undefined) continue;
    output.warn(`--${name} can be seen by other users of this machine while the command runs: prefer --${name}-file`);
  }
}
