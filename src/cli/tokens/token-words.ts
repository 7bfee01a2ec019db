import * as oclifArgs from "@oclif/core/args";
import { InputError } from "../../errors.ts";
import { arg, requiredArg } from "../command/flags.ts";
import { requireOne, requireSome, splitWords } from "../items/item-words.ts";
import type { SessionInput } from "../session/session.ts";

const WHICH = "id, unique start of an id, last four, or name";

/** For commands about one token. If `--env` is given, the first word is that token. */
export const TOKEN_ARGS = { env: arg("env of the vault, like `--env`"), token: arg(WHICH) };

/** For commands about several tokens. oclif requires every argument before a repeatable one. */
export const TOKENS_ARGS = {
  env: requiredArg("env of the vault; with `--env`, the first token"),
  token: oclifArgs.string({ description: WHICH, multiple: true, ignoreStdin: true }),
};

interface WordsInput<Flags extends SessionInput["flags"]> {
  readonly flags: Flags;
  readonly args: { readonly env?: string | undefined; readonly token?: string | readonly string[] | undefined };
}

/**
 * The vault, and the words that identify tokens in it.
 *
 * @param usage the command's usage, for the hint
 * @throws InputError no words, or one of them is a token itself, which must not reach a log
 */
export async function tokenWords(
  { flags, args }: WordsInput<SessionInput["flags"]>,
  usage: string,
  takesOne = false,
): Promise<{ readonly input: SessionInput; readonly words: readonly [string, ...string[]] }> {
  const { input, names } = await splitWords({ flags, args: { env: args.env, key: args.token } }, { takesOne, usage });
  const words = requireSome(names, usage);
  if (words.some((name) => /^(vsrt_|vsync-cfg-v1:)/.test(name))) {
    throw new InputError("do not give the token itself: other users can see it on the command line", {
      hint: "give the id, the last four or the name: `vsync tokens list` shows them",
    });
  }
  return { input, words };
}

/**
 * Like `tokenWords`, for one token.
 *
 * @throws InputError more than one word
 */
export async function tokenWord(
  given: WordsInput<SessionInput["flags"]>,
  usage: string,
): Promise<{ readonly input: SessionInput; readonly word: string }> {
  const { input, words } = await tokenWords(given, usage, true);
  return { input, word: requireOne(words, usage) };
}

/**
 * Like `tokenWord`, or `all` with `--all`.
 *
 * @throws InputError both, or neither
 */
export async function allOrOne<Flags extends SessionInput["flags"] & { readonly all?: boolean | undefined }>(
  { flags, args }: WordsInput<Flags>,
  usage: string,
): Promise<{ readonly input: SessionInput; readonly words: readonly [string] | "all" }> {
  if (!flags.all) {
    const { input, word } = await tokenWord({ flags, args }, usage);
    return { input, words: [word] };
  }
  const { input, names } = await splitWords({ flags, args: { env: args.env, key: args.token } }, { usage: null });
  if (names.length === 0) return { input, words: "all" };
  throw new InputError("--all and a token cannot be given together", { hint: `usage: vsync ${usage}` });
}
