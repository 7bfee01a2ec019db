import { isAbsolute } from "node:path";
import { decodeToken, type RuntimeToken } from "../blob/token.ts";
import { Secret } from "../crypto/secret.ts";
import { readSecretFile } from "../disk/given-file.ts";
import { ConfigInvalidError, ConfigMissingError } from "../errors.ts";
import { credentialOf, type Opening } from "../stores/token.ts";
import { parseCredential } from "../tokens/credential.ts";
import { type OpenOptions, variableOf, variablesOf, warnThrough } from "./options.ts";

/** The token, and the secret that opens its vault. */
export interface Inputs extends Disposable {
  readonly token: RuntimeToken;
  readonly opening: Opening;
}

/**
 * Checks the inputs of a scoped token as far as possible without reading a file, for callers that cannot wait.
 *
 * @throws ConfigInvalidError the token has no credential
 * @throws what `readInputs` throws
 */
export function checkInputs(options: OpenOptions): void {
  using config = givenText(CONFIG, options);
  if (config === null) return;
  const token = decodeToken(config.exposeText());
  const apart = isGiven(TOKEN, options) ? givenText(TOKEN, options) : undefined;
  if (apart === null) return;
  using credential = credentialOf(token, apart ?? null)?.secret;
  if (credential !== undefined) return parseCredential(credential.exposeText())[Symbol.dispose]();
  throw new ConfigInvalidError("VSYNC_CONFIG has no scoped token, and a backend does not use a passphrase", {
    hint: "give it what `vsync tokens create --backend=<id>` prints",
  });
}

interface Source {
  readonly option: "config" | "token" | "passphrase";
  readonly variable: string;
  readonly content: string;
}

const CONFIG: Source = {
  option: "config",
  variable: "VSYNC_CONFIG",
  content: "what `vsync runtime-token` or `vsync tokens create` prints",
};

const TOKEN: Source = {
  option: "token",
  variable: "VSYNC_TOKEN",
  content: "what `vsync tokens create --split` prints",
};

const PASSPHRASE: Source = {
  option: "passphrase",
  variable: "VSYNC_PASSPHRASE",
  content: "the passphrase of the vault",
};

/**
 * Reads the token and the secret that opens its vault. Each comes from the option, else from the file that `…_FILE`
 * names, else from the variable; option and variable are taken verbatim. A separate credential takes precedence over
 * the one in the token. If there is a credential, the passphrase is not read.
 *
 * @throws ConfigMissingError none is given, or the given one is empty or cannot be read
 * @throws ConfigInvalidError, ConfigUnsupportedVersionError as `decodeToken`
 */
export async function readInputs(options: OpenOptions): Promise<Inputs> {
  using config = await readInput(CONFIG, options);
  const token = decodeToken(config.exposeText());
  const apart = isGiven(TOKEN, options) ? await readInput(TOKEN, options) : null;
  const credential = credentialOf(token, apart);
  const opening = credential ?? { kind: "passphrase", secret: await readInput(PASSPHRASE, options) };
  return { token, opening, [Symbol.dispose]: () => opening.secret.destroy() };
}

function isGiven({ option, variable }: Source, options: OpenOptions): boolean {
  const variables = variablesOf(options);
  const [file, value] = [variableOf(variables, `${variable}_FILE`), variableOf(variables, variable)];
  return options[option] !== undefined || Boolean(file) || value !== undefined;
}

async function readInput(source: Source, options: OpenOptions): Promise<Secret> {
  return givenText(source, options) ?? (await readInputFile(`${source.variable}_FILE`, options));
}

/** The value itself, or null if it is in a file. */
function givenText(source: Source, options: OpenOptions): Secret | null {
  const variables = variablesOf(options);
  const given = options[source.option];
  if (given !== undefined) return textOf(given, `the option ${source.option} of Vsync.open`, source);
  const fileVariable = `${source.variable}_FILE`;
  if (variableOf(variables, fileVariable)) return null;
  const value = variableOf(variables, source.variable);
  if (value === undefined) throw missing(`neither ${source.variable} nor ${fileVariable} is set`, source);
  return textOf(value, source.variable, source);
}

function textOf(text: string, name: string, source: Source): Secret {
  if (text === "") throw missing(`${name} is empty`, source);
  if (!text.isWellFormed()) throw missing(`${name} is not valid Unicode text`, source);
  return Secret.ofText(text);
}

function missing(message: string, { variable, content }: Source): ConfigMissingError {
  return new ConfigMissingError(message, {
    hint: `set ${variable} to ${content}, or ${variable}_FILE to the path of a file that holds it`,
  });
}

/**
 * Reads the file without its trailing spaces, tabs and line ends. Warns if others can read it.
 *
 * @throws ConfigMissingError the file is missing, unreadable, not a regular file, world-writable, longer than 1 MiB,
 * not UTF-8, or blank; names variable and path
 */
async function readInputFile(variable: string, options: OpenOptions): Promise<Secret> {
  const path = variableOf(variablesOf(options), variable) ?? "";
  const file = await readSecretFile(path);
  if ("refusal" in file) {
    const plain = variable.replace(/_FILE$/, "");
    throw new ConfigMissingError(`${variable} names ${shownPath(path)}, which ${file.refusal}`, {
      hint: `fix that, or unset ${variable} and give the value itself in ${plain}`,
    });
  }
  if (file.exposure !== null) {
    warnThrough(options)({
      code: "VSYNC_FILE_EXPOSED",
      message: `${variable} names ${shownPath(path)}, which ${file.exposure}`,
      hint: "make it readable only by the app's user: chmod 400, or defaultMode 0400 where Kubernetes mounts it",
      fields: { variable, path: shownPath(path) },
    });
  }
  return Secret.ofBytes(file.bytes);
}

/** People sometimes put the secret itself where its path belongs. Then it must not reach a log. */
function shownPath(path: string): string {
  if (!isAbsolute(path) && !/^\.{1,2}[\\/]/.test(path)) {
    return "a relative path (not shown: it may be the value itself)";
  }
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}
