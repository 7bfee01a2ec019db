import { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import type { AccessKey, Credentials } from "../../stores/location.ts";
import { isDirectoryStore } from "../../stores/open-store.ts";
import type { APP_KEY_FLAGS, CREDENTIAL_FLAGS, Given } from "../command/flags.ts";
import type { AwsSetup } from "../config/aws-setup.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultFlags } from "../config/target.ts";
import { readGivenSecret, readSecret, type SecretInput, type SecretSources } from "./secret-input.ts";

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

const APP_SECRET_KEY: SecretInput = {
  what: "the apps' secret access key",
  flag: "app-secret-key-file",
  variable: "VSYNC_APP_SECRET_KEY",
  question: "Secret access key of the apps:",
};

/** The key that apps get. It should be read-only. */
export type AppKeyFlags = Given<typeof APP_KEY_FLAGS>;
export type CredentialFlags = Given<typeof CREDENTIAL_FLAGS>;

/**
 * The apps' key from flags or variables, or null.
 *
 * @throws InputError only the id or only the secret is given
 */
export async function givenAppKey(flags: AppKeyFlags, sources: SecretSources): Promise<AccessKey | null> {
  const accessKeyId = flags["app-access-key"] ?? (sources.variables["VSYNC_APP_ACCESS_KEY"] || undefined);
  if (accessKeyId === undefined) return null;
  refuseKeyId(accessKeyId);
  return { accessKeyId, secretAccessKey: await readSecret(APP_SECRET_KEY, flags["app-secret-key-file"], sources) };
}

/**
 * Asks for the apps' key, which the user may also give later.
 *
 * @param policy the permissions that the key needs, for the user to copy
 */
export async function askAppKey(policy: string, sources: SecretSources): Promise<AccessKey | null> {
  sources.output.say("Apps get a key of their own, which only reads. It needs this policy:");
  sources.output.say(policy);
  const check = (answer: string) => (answer.trim() === "" ? null : keyIdFault(answer.trim()));
  const given = await sources.prompter.text({ message: "Access key id of the apps (Enter: later):", check });
  return givenAppKey({ "app-access-key": given.trim() || undefined }, sources);
}

export interface TokenKeyFlags extends CredentialFlags {
  readonly endpoint?: string | undefined;
  /** Refuse keys that otherwise only cause a warning. */
  readonly strict?: boolean | undefined;
}

/**
 * The credentials for a token: from flags, else the apps' key, else from variables, the config's own key, or a prompt.
 * A config without keys does not make the token ambient; only `--ambient` does.
 *
 * @throws InputError none are given and nobody can be asked; or with `strict`, the key may write or is temporary
 */
export async function tokenCredentials(
  flags: TokenKeyFlags,
  config: LocalConfig,
  sources: SecretSources,
): Promise<Credentials> {
  if (flags.ambient || isDirectoryStore({ endpoint: flags.endpoint ?? config.endpoint })) return "ambient";
  const isTyped = KEY_FLAGS.some((name) => flags[name] !== undefined);
  const app = isTyped ? null : ((await givenAppKey({}, sources)) ?? config.app ?? null);
  const key = app ?? (await accessKey(await givenKey(flags, sources), keyOf(config), sources));
  const [first] = flags.strict ? unfitForApps(key, config) : [];
  if (first !== undefined) throw new InputError(first.fault, { hint: first.hint });
  return key;
}

/**
 * Warns about properties of these credentials that the token's receiver would not expect. Call it before the token is
 * printed.
 */
export function warnOfKey(credentials: Credentials, config: LocalConfig, { output }: SecretSources): void {
  if (credentials === "ambient") return;
  for (const { fault, hint } of unfitForApps(credentials, config)) output.warn(`${fault}: ${hint}`);
}

const KEY_FLAGS = ["access-key", "secret-key", "secret-key-file", "session-token", "session-token-file"] as const;

function unfitForApps(
  { accessKeyId, sessionToken }: AccessKey,
  config: LocalConfig,
): readonly { readonly fault: string; readonly hint: string }[] {
  const isOwn = accessKeyId === keyOf(config)?.accessKeyId && config.role !== "reader";
  const init = `vsync init ${vaultFlags(config)} --app-access-key=<id>`;
  return [
    ...(isOwn
      ? [
          {
            fault: `the token carries ${accessKeyId}, this machine's own key, which may write ${config.env}`,
            hint: `give apps a key that only reads: ${init}`,
          },
        ]
      : []),
    ...(sessionToken !== undefined || accessKeyId.startsWith("ASIA")
      ? [
          {
            fault: "the token carries temporary credentials: within 36 hours at most no app can start with it",
            hint: `give apps a key that stays, or --ambient: ${init}`,
          },
        ]
      : []),
  ];
}

/**
 * The credentials for a config: from flags and variables, else as the user chooses, else those of the current config.
 *
 * @param current the config of the same store, or null
 * @param aws if it has credentials, they are offered first
 * @throws InputError none are given and nobody can be asked
 */
export async function newCredentials(
  flags: CredentialFlags,
  current: LocalConfig | null,
  sources: SecretSources,
  aws?: AwsSetup,
): Promise<Credentials> {
  if (flags.ambient) return "ambient";
  const given = await givenKey(flags, sources);
  if (given.accessKeyId !== undefined || given.secret !== null || given.token !== null) {
    return accessKey(given, keyOf(current), sources);
  }
  if (sources.prompter.isInteractive) return chooseCredentials(given, current, sources, aws);
  return current?.credentials ?? accessKey(given, null, sources);
}

/** Asks for a key after the store refused one. */
export function askKey(sources: SecretSources): Promise<AccessKey> {
  return accessKey({ accessKeyId: undefined, secret: null, token: null }, null, sources);
}

type Choice = "kept" | "typed" | "ambient";

async function chooseCredentials(
  given: GivenKey,
  current: LocalConfig | null,
  sources: SecretSources,
  aws?: AwsSetup,
): Promise<Credentials> {
  const configured = keyOf(current);
  const choices: readonly { name: string; value: Choice }[] = [
    ...(configured === null ? [] : [{ name: `Access key ${configured.accessKeyId}, as now`, value: "kept" as const }]),
    { name: configured === null ? "An access key, stored in the config" : "Another access key", value: "typed" },
    { name: ambientName(aws), value: "ambient" },
  ];
  const isAmbient = current === null ? aws !== undefined && aws.source !== null : current.credentials === "ambient";
  const choice = await sources.prompter.choose("Credentials:", isAmbient ? choices.toReversed() : choices);
  switch (choice) {
    case "kept":
      return configured ?? accessKey(given, null, sources);
    case "typed":
      return accessKey(given, null, sources);
    case "ambient":
      return "ambient";
    default:
      return choice satisfies never;
  }
}

function ambientName(aws: AwsSetup | undefined): string {
  if (aws?.source) return `The AWS credential chain (${aws.source}), nothing stored in the config`;
  if (aws === undefined || aws.profiles.length === 0) return "The platform's own chain (variables, profile, role)";
  return `The AWS credential chain, with AWS_PROFILE set to one of ${aws.profiles.join(", ")}`;
}

function keyOf(config: LocalConfig | null): AccessKey | null {
  return config === null || config.credentials === "ambient" ? null : config.credentials;
}

interface GivenKey {
  readonly accessKeyId: string | undefined;
  readonly secret: Secret | null;
  readonly token: Secret | null;
}

async function givenKey(flags: CredentialFlags, sources: SecretSources): Promise<GivenKey> {
  warnOfArgv(flags, sources);
  const accessKeyId = flags["access-key"] ?? (sources.variables["VSYNC_ACCESS_KEY"] || undefined);
  if (accessKeyId !== undefined) refuseKeyId(accessKeyId);
  const secret = await givenSecret(SECRET_KEY, flags["secret-key"], flags["secret-key-file"], sources);
  const token = await givenSecret(SESSION_TOKEN, flags["session-token"], flags["session-token-file"], sources);
  return { accessKeyId, secret, token };
}

/** Never combines an access key with the secret or session token of another one. */
async function accessKey(given: GivenKey, configured: AccessKey | null, sources: SecretSources): Promise<AccessKey> {
  const accessKeyId = given.accessKeyId ?? configured?.accessKeyId ?? (await askAccessKey(sources));
  const own = accessKeyId === configured?.accessKeyId && given.secret === null ? configured : null;
  const secretAccessKey = given.secret ?? own?.secretAccessKey ?? (await readSecret(SECRET_KEY, undefined, sources));
  const sessionToken = given.token ?? own?.sessionToken;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

async function givenSecret(
  input: SecretInput,
  value: string | undefined,
  file: string | undefined,
  sources: SecretSources,
): Promise<Secret | null> {
  const secret = value === undefined ? await readGivenSecret(input, file, sources) : Secret.ofText(value);
  if (secret?.expose().length === 0) throw new InputError(`${input.what} is empty`, { hint: "give all of it" });
  return secret;
}

async function askAccessKey({ prompter }: SecretSources): Promise<string> {
  if (!prompter.isInteractive) {
    throw new InputError("missing the credentials", {
      hint:
        "give --access-key (or VSYNC_ACCESS_KEY) with --secret-key-file=<file> (- is stdin), VSYNC_SECRET_KEY_FILE, " +
        "VSYNC_SECRET_KEY or --secret-key; or --ambient, for the platform's own chain; or run this on a terminal",
    });
  }
  return (await prompter.text({ message: "Access key id:", check: (answer) => keyIdFault(answer.trim()) })).trim();
}

function refuseKeyId(accessKeyId: string): void {
  const fault = keyIdFault(accessKeyId);
  if (fault !== null) throw new InputError(`the access key id ${fault}`, { hint: "give it with --access-key=<id>" });
}

/** The id goes into a header, so only these characters are allowed. */
function keyIdFault(accessKeyId: string): string | null {
  if (accessKeyId === "") return "must not be empty";
  return /^[\x21-\x7e]+$/.test(accessKeyId) ? null : "must be printable ASCII without spaces";
}

function warnOfArgv(flags: CredentialFlags, { output }: SecretSources): void {
  for (const name of ["secret-key", "session-token"] as const) {
    if (flags[name] === undefined) continue;
    output.warn(`other users of this machine can see --${name} while the command runs: prefer --${name}-file`);
  }
}
