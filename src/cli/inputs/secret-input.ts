import { isUtf8 } from "node:buffer";
import { fstatSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { Secret } from "../../crypto/secret.ts";
import { readSecretFile, trimSecret } from "../../disk/given-file.ts";
import { InputError } from "../../errors.ts";
import { systemRandom } from "../../stores/open-store.ts";
import type { AskAgain } from "../../vault/unlock/passphrase-holder.ts";
import type { Output } from "../terminal/output.ts";
import type { Prompter } from "../terminal/prompter.ts";
import type { Stdin } from "../terminal/stdin.ts";
import { generatePassphrase } from "./generated-passphrase.ts";

const MAX_STDIN_BYTES = 1024 * 1024;
const MAX_ASKED_AGAIN = 3;

/** A secret that the user gives, and the ways to give it. See `readSecret` for their order. */
export interface SecretInput {
  /** For messages: `the new passphrase`. */
  readonly what: string;
  /** `new-passphrase-file`: the flag with a file's path; `-` is stdin. */
  readonly flag: string;
  /** `VSYNC_NEW_PASSPHRASE`. With `_FILE` appended, it is the variable with a file's path, which takes precedence. */
  readonly variable: string;
  /** `VSYNC_PASSPHRASE_COMMAND`: the variable with a shell command that prints the secret. */
  readonly command?: string;
  /** The vault that the secret opens, for that command. */
  readonly vault?: { readonly repo: string; readonly env: string };
  /** `New passphrase:` */
  readonly question: string;
  /** Whether just Enter is a valid answer. */
  readonly mayBeEmpty?: boolean;
  /** For a new secret: the prompt asks twice and requires a minimum length. */
  readonly setting?: { readonly confirmation: string; readonly minCharacters: number };
}

export const PASSPHRASE: SecretInput = {
  what: "the passphrase",
  flag: "passphrase-file",
  variable: "VSYNC_PASSPHRASE",
  command: "VSYNC_PASSPHRASE_COMMAND",
  question: "Passphrase:",
};

export const FIRST_PASSPHRASE: SecretInput = {
  ...PASSPHRASE,
  question: "New passphrase:",
  setting: { confirmation: "Confirm new passphrase:", minCharacters: 12 },
};

export const OLD_PASSPHRASE: SecretInput = {
  ...PASSPHRASE,
  what: "the old passphrase",
  flag: "old-passphrase-file",
  question: "Old passphrase:",
};

export const NEW_PASSPHRASE: SecretInput = {
  what: "the new passphrase",
  flag: "new-passphrase-file",
  variable: "VSYNC_NEW_PASSPHRASE",
  question: "New passphrase:",
  setting: { confirmation: "Confirm new passphrase:", minCharacters: 12 },
};

/** Where a secret can come from, and how to ask for it. */
export interface SecretSources {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdin: Stdin;
  readonly prompter: Prompter;
  readonly output: Output;
}

/** Whether a variable gives the secret, its file or a command for it. */
export function isSetIn(
  variables: SecretSources["variables"],
  { variable, command = "" }: Pick<SecretInput, "variable" | "command">,
): boolean {
  return [variable, `${variable}_FILE`, command].some((name) => Boolean(variables[name]));
}

/**
 * Takes the secret from the first of these that is given: the file in the flag, the file in `X_FILE`, the variable `X`,
 * the output of the command in `X_COMMAND`, a prompt.
 *
 * @param file the flag's value
 * @throws InputError none is given and nobody can be asked; a file cannot be used; the secret is empty or too short
 * @throws InterruptedError Ctrl-C at the prompt
 */
export async function readSecret(
  input: SecretInput,
  file: string | undefined,
  sources: SecretSources,
): Promise<Secret> {
  const given = await readFitSecret(input, file, sources);
  return given ?? ask(input, sources);
}

/** A passphrase that opens a vault. If the user typed it, they can be asked again, because typos are common. */
export interface OpeningPassphrase {
  readonly secret: Secret;
  readonly askAgain?: AskAgain;
}

const PASSPHRASE_TRIES = 3;

/** Like `readSecret`, for a passphrase that opens a vault. */
export async function readPassphrase(
  input: SecretInput,
  file: string | undefined,
  sources: SecretSources,
): Promise<OpeningPassphrase> {
  const secret = await readFitSecret(input, file, sources);
  return secret === null ? askPassphrase(input, sources) : { secret };
}

/** @throws InputError nobody can be asked */
export async function askPassphrase(input: SecretInput, sources: SecretSources): Promise<OpeningPassphrase> {
  let tries = 1;
  const askAgain: AskAgain = async (wrong) => {
    if (++tries > PASSPHRASE_TRIES) return null;
    sources.output.say(`${wrong.message}: try again`);
    const secret = await ask(input, sources);
    return secret.expose().length === 0 ? null : secret;
  };
  return { secret: await ask(input, sources), askAgain };
}

/** Like `readSecret`, but returns null instead of asking. */
export async function readFitSecret(
  input: SecretInput,
  file: string | undefined,
  sources: SecretSources,
): Promise<Secret | null> {
  const given = await readGivenSecret(input, file, sources);
  const fault = given === null ? null : faultOf(given, { ...input, mayBeEmpty: false });
  if (fault === null) return given;
  given?.destroy();
  throw new InputError(`${input.what} ${fault}`, { hint: waysOf(input) });
}

/** Like `readSecret`, but returns null instead of asking, and does not check the length. */
export async function readGivenSecret(
  input: Pick<SecretInput, "what" | "flag" | "variable" | "command" | "vault">,
  file: string | undefined,
  sources: SecretSources,
): Promise<Secret | null> {
  const { variables, stdin } = sources;
  const { what } = input;
  if (file === "-") return fromStdin(input, stdin);
  if (file !== undefined) return fromFile({ what, name: `--${input.flag}`, path: file }, sources);
  const fileVariable = `${input.variable}_FILE`;
  const path = variables[fileVariable];
  if (path) return fromFile({ what, name: fileVariable, path }, sources);
  const value = variables[input.variable];
  if (!value && input.command !== undefined && variables[input.command]) {
    const { readFromCommand } = await import("./passphrase-command.ts");
    return readFromCommand(input, variables);
  }
  if (value?.includes("\ufffd")) {
    // Node.js replaces invalid UTF-8 with U+FFFD, so different passphrases could look the same.
    throw new InputError(`${input.variable} does not hold UTF-8 text`, {
      hint: `set it in UTF-8, or use ${fileVariable}`,
    });
  }
  return value ? Secret.ofText(value) : null;
}

async function fromStdin(input: Pick<SecretInput, "what" | "flag" | "variable">, stdin: Stdin): Promise<Secret> {
  const bytes = await stdin.read(`--${input.flag}`, MAX_STDIN_BYTES);
  if (!isUtf8(bytes)) throw new InputError(`${input.what} on stdin is not UTF-8 text`, { hint: waysOf(input) });
  return Secret.ofBytes(trimSecret(bytes));
}

async function fromFile(
  { what, name, path }: { what: string; name: string; path: string },
  { stdin, output }: SecretSources,
): Promise<Secret> {
  if (isStdin(path)) stdin.take(name);
  const readFile = () => readSecretFile(path, { mayBePipe: true });
  const read = isPipe(path) ? await stdin.readPipe(`${name} ${path}`, readFile) : await readFile();
  const file = `the file that ${name} names${shown(path)}`;
  if ("refusal" in read)
    throw new InputError(`${file} ${read.refusal}`, {
      hint: `put ${what} into a file of mode 0600, and name that file`,
    });
  if (read.exposure !== null) output.warn(`${file} ${read.exposure}: make it readable only by you (chmod 600)`);
  return Secret.ofBytes(read.bytes);
}

/** Whether the path is stdin under another name (`/dev/stdin`, `/dev/fd/0`), or the file that stdin comes from. */
function isStdin(path: string): boolean {
  try {
    const [named, stdin] = [statSync(path), fstatSync(0)];
    return named.dev === stdin.dev && named.ino === stdin.ino;
  } catch {
    return false;
  }
}

function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}

/** The path, unless it may be the secret itself in the wrong place. */
function shown(path: string): string {
  return isAbsolute(path) || /^\.{1,2}[\\/]/.test(path) ? `, ${path},` : "";
}

function faultOf(secret: Secret, { setting, mayBeEmpty = false }: SecretInput): string | null {
  if (secret.expose().length === 0) return mayBeEmpty ? null : "is empty";
  if (setting === undefined) return null;
  return unfitToSet(secret) ?? (charactersOf(secret) >= setting.minCharacters ? null : tooShort(setting));
}

const tooShort = ({ minCharacters }: { readonly minCharacters: number }): string =>
  `is shorter than ${minCharacters} characters`;

/** Why this secret might not open the vault if it is given in another way next time: see docs/decisions/0046. */
function unfitToSet(secret: Secret): string | null {
  const text = secret.exposeText();
  if (text.startsWith("\ufeff")) return "begins with a byte order mark, which keyboards do not type";
  if (/\p{Cc}/u.test(text.trimEnd())) return "has a control character, which prompts do not accept";
  if (Buffer.compare(trimSecret(secret.expose()), secret.expose()) !== 0)
    return "ends in a space or line end, which a file would lose";
  return text === text.normalize("NFC")
    ? null
    : "has an accent as a separate character, which keyboards do not type (it is not NFC)";
}

/** Counts code points, so an emoji counts as one. */
function charactersOf(secret: Secret): number {
  return Array.from(secret.exposeText()).length;
}

/** CI systems pass on a secret that they do not have as an empty variable. */
function missing(input: SecretInput, variables: SecretSources["variables"]): InputError {
  const empty = [`${input.variable}_FILE`, input.variable].find((name) => variables[name] === "");
  const why = empty === undefined ? "" : `: ${empty} is set, but empty`;
  return new InputError(`missing ${input.what}${why}`, { hint: waysOf(input) });
}

async function ask(input: SecretInput, { prompter, output, variables }: SecretSources): Promise<Secret> {
  if (!prompter.isInteractive) throw missing(input, variables);
  if (input.setting !== undefined) output.say("press Enter to generate a new passphrase");
  for (let askedAgain = 0; ; askedAgain++) {
    const secret = madeIfEmpty(await prompter.secret(input.question), input, output);
    const fault = faultOf(secret, input) ?? (await mismatch(secret, input, prompter));
    if (fault === null) return secret;
    secret.destroy();
    if (askedAgain === MAX_ASKED_AGAIN) throw new InputError(`${input.what} ${fault}`, { hint: waysOf(input) });
    output.say(`${input.what} ${fault}: try again`);
  }
}

/** Just Enter generates a passphrase. Confirming it from the password manager shows that it was saved there. */
function madeIfEmpty(secret: Secret, { setting }: SecretInput, output: Output): Secret {
  if (setting === undefined || secret.expose().length > 0) return secret;
  const made = generatePassphrase(systemRandom);
  output.say(`a new passphrase: ${made.exposeText()}`);
  output.say("put it into your password manager now, and confirm it from there: colleagues need it to join");
  return made;
}

async function mismatch(secret: Secret, { setting }: SecretInput, prompter: Prompter): Promise<string | null> {
  if (setting === undefined) return null;
  const again = await prompter.secret(setting.confirmation);
  const same = Buffer.compare(secret.expose(), again.expose()) === 0;
  again.destroy();
  return same ? null : "was not the same both times";
}

function waysOf({ flag, variable, command }: Pick<SecretInput, "flag" | "variable" | "command">): string {
  const ways = [
    `--${flag}=<file> (- is stdin)`,
    `${variable}_FILE`,
    variable,
    ...(command === undefined ? [] : [command]),
  ];
  return `give it with ${ways.slice(0, -1).join(", ")} or ${ways.at(-1)}, or run this on a terminal`;
}
