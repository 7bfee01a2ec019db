import * as oclifArgs from "@oclif/core/args";
import { InputError, LocalConfigMissingError } from "../../errors.ts";
import { arg, requiredArg } from "../command/flags.ts";
import { knownEnvs } from "../project/which-vault.ts";
import type { SessionInput } from "../session/session.ts";
import { closest } from "../terminal/closest.ts";

/** For commands about one name in a vault. If `--env` is given, the first word is that name. */
export const KEY_ARGS = { env: arg("env of the vault, like `--env`"), key: arg("name in the vault") };

/** For commands about several names. oclif requires every argument before a repeatable one. */
export const KEYS_ARGS = {
  env: requiredArg("env of the vault; with `--env`, the first name"),
  key: oclifArgs.string({ description: "names in the vault", multiple: true, ignoreStdin: true }),
};

/** The input of a command with `KEY_ARGS` or `KEYS_ARGS`. */
interface WordsInput {
  readonly flags: SessionInput["flags"];
  readonly args: { readonly env?: string | undefined; readonly key?: string | readonly string[] | undefined };
}

/**
 * Splits the words into env and keys. The first of several words is the env if this machine or the project file knows
 * an env of that name: `vsync unset prod A B`, or with a single env `vsync unset A B`. A lone word is a KEY; with
 * `--env`, all words are.
 *
 * @param takesOne the command takes one KEY, so the first of two words must be the env
 * @throws InputError a lone word is the name of an env
 */
export async function splitWords(
  given: WordsInput,
  { takesOne = false, usage }: WordsOf,
): Promise<{ readonly input: SessionInput; readonly names: readonly string[] }> {
  const { flags, args } = given;
  const words = [args.env ?? [], args.key ?? []].flat();
  const [first, ...more] = words;
  if (flags.env !== undefined || first === undefined) {
    const isEnvSaidTwice = words.length > 1 && first === flags.env;
    return { input: { flags }, names: isEnvSaidTwice ? more : words };
  }
  const envs = await knownEnvs({ flags });
  const isEnv = envs.includes(first) || (more.length > 0 && envs.length === 0);
  if (more.length === 0 && isEnv && usage !== null) throw ambiguous(first, usage);
  if (takesOne && more.length > 0 && !isEnv) throw noSuchEnv(first, envs, usage ?? "");
  return isEnv ? { input: { flags, args: { env: first } }, names: more } : { input: { flags }, names: words };
}

interface WordsOf {
  readonly takesOne?: boolean;
  /** The command's usage for the hint, `get ENV KEY [flags]`; null if KEY is optional. */
  readonly usage: string | null;
}

/** Never repeats the second word, which may be a value. */
function noSuchEnv(word: string, envs: readonly string[], usage: string): LocalConfigMissingError {
  const meant = closest(word, envs);
  const command = `vsync ${usage.slice(0, usage.indexOf(" ENV"))} ${meant === null ? `${envs[0]} ${word}` : `${meant} …`}`;
  return new LocalConfigMissingError(`${word} is not an env here (${envs.join(", ")})`, {
    hint: `did you mean ${command}? Else vsync init --env=${word}`,
  });
}

function ambiguous(word: string, usage: string): InputError {
  return new InputError(`${word} is an env here, so ${wordIn(usage)} is missing`, {
    hint: `usage: vsync ${usage}; if ${word} is what you mean, name the env with --env=<env>`,
  });
}

/**
 * @param usage the command's usage for the hint: `get ENV KEY [flags]`
 * @throws InputError more than one word, or none
 */
export function requireOne(names: readonly string[], usage: string): string {
  const [name, surplus] = requireSome(names, usage);
  if (surplus === undefined) return name;
  throw new InputError("--env and the argument name different environments", { hint: "give one of them" });
}

export function requireSome(names: readonly string[], usage: string): readonly [string, ...string[]] {
  const [first, ...more] = names;
  if (first === undefined) throw new InputError(`missing ${wordIn(usage)}`, { hint: `usage: vsync ${usage}` });
  return [first, ...more];
}

/** `KEY` in `get ENV KEY [flags]`. */
const wordIn = (usage: string): string | undefined => /ENV (\w+)/.exec(usage)?.[1];
