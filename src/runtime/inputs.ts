import { isAbsolute } from "node:path";
import { Secret } from "../crypto/secret.ts";
import { readSecretFile } from "../disk/given-file.ts";
import { ConfigMissingError } from "../errors.ts";
import type { Environment, OpenOptions, Warn } from "./options.ts";

export interface Inputs {
  readonly config: Secret;
  readonly passphrase: Secret;
}

interface Source {
  readonly option: "config" | "passphrase";
  readonly variable: string;
  readonly content: string;
}

const CONFIG: Source = {
  option: "config",
  variable: "VSYNC_CONFIG",
  content: "what `vsync runtime-token` prints",
};

const PASSPHRASE: Source = {
  option: "passphrase",
  variable: "VSYNC_PASSPHRASE",
  content: "the passphrase of the vault",
};

/**
 * Token and passphrase, each from the first of: the option, the file that `…_FILE` names, the variable. Option and
 * variable are taken verbatim.
 *
 * @throws ConfigMissingError neither is given, or the one given is empty or cannot be read
 */
export async function readInputs(options: OpenOptions, env: Environment, warn: Warn): Promise<Inputs> {
  const config = await readInput(CONFIG, options, env, warn);
  try {
    return { config, passphrase: await readInput(PASSPHRASE, options, env, warn) };
  } catch (error) {
    config.destroy();
    throw error;
  }
}

async function readInput(source: Source, options: OpenOptions, env: Environment, warn: Warn): Promise<Secret> {
  const given = options[source.option];
  if (given !== undefined) return textOf(given, `the option ${source.option} of Vsync.open`, source);
  const fileVariable = `${source.variable}_FILE`;
  const path = variableOf(env, fileVariable);
  if (path !== undefined && path !== "") return readInputFile({ variable: fileVariable, path }, warn);
  const value = variableOf(env, source.variable);
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

/** A variable of the environment, and nothing that it inherits. */
export function variableOf(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

/** A variable that ends in `_FILE`, and its value. */
export interface FileVariable {
  readonly variable: string;
  readonly path: string;
}

/**
 * What the file holds, without trailing spaces, tabs and line ends. A file that others can read is one warning.
 *
 * @throws ConfigMissingError naming variable and path: not there, unreadable, no regular file, world-writable, more than
 * 1 MiB, not UTF-8, nothing but white space
 */
async function readInputFile({ variable, path }: FileVariable, warn: Warn): Promise<Secret> {
  const file = await readSecretFile(path);
  if ("refusal" in file) {
    const plain = variable.replace(/_FILE$/, "");
    throw new ConfigMissingError(`${variable} names ${shownPath(path)}, which ${file.refusal}`, {
      hint: `put that right, or unset ${variable} and give the value itself in ${plain}`,
    });
  }
  if (file.exposure !== null) {
    warn({
      code: "VSYNC_FILE_EXPOSED",
      message: `${variable} names ${shownPath(path)}, which ${file.exposure}`,
      hint: "make it readable by the app's user alone: chmod 400, or defaultMode 0400 where Kubernetes mounts it",
      fields: { variable, path: shownPath(path) },
    });
  }
  return Secret.ofBytes(file.bytes);
}

/** Somebody may put the secret itself where its path belongs: then it must not end up in a log. */
function shownPath(path: string): string {
  if (!isAbsolute(path) && !/^\.{1,2}[\\/]/.test(path)) {
    return "a relative path (not shown: it may be the value itself)";
  }
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}
