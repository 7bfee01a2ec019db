import * as oclifArgs from "@oclif/core/args";
import { InputError } from "../../errors.ts";
import { arg, requiredArg } from "../command/flags.ts";
import type { SessionInput } from "../session/session.ts";

/** For commands about one name in a vault. After `--env` the first word is that name. */
export const KEY_ARGS = { env: arg("env of the vault, like `--env`"), key: arg("name in the vault") };

/** For commands about several names. oclif requires every argument before one that repeats. */
export const KEYS_ARGS = {
  env: requiredArg("env of the vault; with `--env`, the first name"),
  key: oclifArgs.string({ description: "names in the vault", multiple: true, ignoreStdin: true }),
};

/** The input of a command with `KEY_ARGS` or `KEYS_ARGS`. */
interface WordsInput {
  readonly flags: SessionInput["flags"];
  readonly args: { readonly env?: string | undefined; readonly key?: string | readonly string[] | undefined };
}

export interface ItemWords {
  /** Names the vault. */
  readonly input: SessionInput;
  readonly names: readonly string[];
}

/** The first word is the env, unless `--env` names it: `vsync unset prod A B`, `vsync unset --env=prod A B`. */
export function splitWords({ flags, args }: WordsInput): ItemWords {
  const words = [args.env ?? [], args.key ?? []].flat();
  if (flags.env === undefined) return { input: { flags, args: { env: words[0] } }, names: words.slice(1) };
  const isEnvSaidTwice = words.length > 1 && words[0] === flags.env;
  return { input: { flags }, names: isEnvSaidTwice ? words.slice(1) : words };
}

/** As `splitWords`, for a command that reads: if `VSYNC_CONFIG` names the vault, a single word is a name in it. */
export function splitReadingWords(
  given: WordsInput,
  variables: Readonly<Record<string, string | undefined>>,
): ItemWords {
  const { input, names } = splitWords(given);
  const only = names.length === 0 ? input.args?.env : undefined;
  const hasToken = Boolean(variables["VSYNC_CONFIG"]) || Boolean(variables["VSYNC_CONFIG_FILE"]);
  return only !== undefined && hasToken ? { input: { flags: given.flags }, names: [only] } : { input, names };
}

/** @param usage the command's own, for the hint: `get ENV KEY [flags]` */
export function requireOne(names: readonly string[], usage: string): string {
  const [name] = requireSome(names, usage);
  if (names.length > 1)
    throw new InputError("--env and the argument name two environments", { hint: "give one of them" });
  return name;
}

export function requireSome(names: readonly string[], usage: string): readonly [string, ...string[]] {
  const [first, ...more] = names;
  if (first === undefined) throw new InputError("missing KEY", { hint: `usage: vsync ${usage}` });
  return [first, ...more];
}
