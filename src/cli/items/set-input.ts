import { isUtf8 } from "node:buffer";
import { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import type { Random } from "../../ports.ts";
import { systemRandom } from "../../stores/open-store.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import type { NamedData } from "../../vault/items/changes.ts";
import { readGivenInput } from "../inputs/given-input.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { isVariableName, refuseUtf16, valueIn } from "./dotenv/secret-text.ts";
import { requireOne } from "./item-words.ts";
import { readBinary } from "./push-input.ts";

/** The input of `set`. */
export interface SetInput {
  /** `-` is stdin. Without it, vsync asks for the value. */
  readonly "from-file"?: string | undefined;
  /** The length of a random value. */
  readonly generate?: number | undefined;
  /** Keeps the file's last line end. */
  readonly raw: boolean;
  readonly "allow-empty": boolean;
  /** `name=path` for each binary file. */
  readonly file?: readonly string[] | undefined;
}

/**
 * The items to set: the secret of this name, if given, and the binary files.
 *
 * @throws InputError a name or value is not allowed, or a file cannot be read
 */
export async function readSetItems(
  names: readonly string[],
  input: SetInput,
  sources: SecretSources,
): Promise<readonly NamedData[]> {
  const files = await Promise.all((input.file ?? []).map((given) => readBinary(given, sources.stdin)));
  const secrets: NamedData[] = [];
  for (const name of names) secrets.push({ name, kind: "secret", data: await readValue(name, input, sources) });
  return [...secrets, ...files];
}

/**
 * The secret to set, or nothing if only files are given. Checks the name before it asks for the value.
 *
 * @throws InputError neither a name nor a file is given, or no variable can have this name
 */
export function wantedKeys(
  names: readonly string[],
  { file, "from-file": from }: SetInput,
  usage: string,
): readonly string[] {
  if (names.length === 0 && file !== undefined && from === undefined) return [];
  const name = requireOne(names, usage);
  checkKey(name);
  return [name];
}

function checkKey(name: string): void {
  if (isVariableName(name)) return;
  const assigned = /^([A-Za-z_][A-Za-z0-9_]{0,63})=/.exec(name)?.[1];
  if (assigned !== undefined) {
    throw new InputError(`the value of ${assigned} is on the command line, where other users can see it`, {
      hint: `run it with ${assigned} alone, which asks for the value; choose a new one, because shells remember what you typed`,
    });
  }
  const named = /^[\w./-]{1,64}$/.test(name) ? `${name} is a name` : "this is a name";
  throw new InputError(`${named} that no variable can have`, {
    hint: "use letters, digits and underscores, no digit first; a file is set with --file=<name>=<path>",
  });
}

async function readValue(name: string, input: SetInput, sources: SecretSources): Promise<Secret> {
  const value = await readGiven(name, input, sources);
  if (value.expose().length > 0 || input["allow-empty"]) return value;
  throw new InputError(`the value of ${name} is empty`, { hint: "if you mean that, add --allow-empty" });
}

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/**
 * The largest multiple of 62 that fits into a byte. Larger bytes are skipped, because they would favour the first
 * letters.
 */
const EVEN = 248;

/** Letters and digits need no quotes in any file, URL or shell. */
function generateValue(random: Random, length: number): Secret {
  const drawn: number[] = [];
  while (drawn.length < length) drawn.push(...random.bytes(length).filter((byte) => byte < EVEN));
  return Secret.ofText(
    drawn
      .slice(0, length)
      .map((byte) => LETTERS_AND_DIGITS[byte % 62])
      .join(""),
  );
}

async function readGiven(name: string, input: SetInput, sources: SecretSources): Promise<Secret> {
  const { generate, "from-file": from } = input;
  if (generate !== undefined) return generateValue(systemRandom, generate);
  if (from !== undefined) {
    const bytes = await readGivenInput({ ...FROM_FILE, path: from }, MAX_BUNDLE_BYTES, sources);
    return Secret.ofBytes(textOf(bytes, name, input.raw));
  }
  if (sources.prompter.isInteractive) return sources.prompter.secret(`Value of ${name}:`);
  throw new InputError(`missing the value of ${name}`, {
    hint: "give it with --from-file=<file> (- is stdin), or run this on a terminal",
  });
}

const FROM_FILE = {
  // Does not show the path, which may be the value itself.
  label: "the file that --from-file names",
  flag: "--from-file",
  hint: "name a file, not the value: - is stdin",
} as const;

function textOf(bytes: Uint8Array, name: string, raw: boolean): Uint8Array {
  refuseUtf16(bytes, `the value of ${name}`);
  const fault = !isUtf8(bytes) ? "is not UTF-8 text" : bytes.includes(0) ? "has a NUL character" : null;
  if (fault !== null) {
    throw new InputError(`the value of ${name} ${fault}`, {
      hint: "store other bytes as a file: --file=<name>=<path>",
    });
  }
  return raw ? bytes : valueIn(bytes);
}
