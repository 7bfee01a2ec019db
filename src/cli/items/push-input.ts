import { existsSync } from "node:fs";
import { Secret } from "../../crypto/secret.ts";
import { readRegularFile } from "../../disk/given-file.ts";
import { InputError } from "../../errors.ts";
import { itemNameFault } from "../../vault/format/item.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import type { NamedData } from "../../vault/items/changes.ts";
import { commandOn, type Target } from "../config/target.ts";
import { labelOf, readGivenInput } from "../inputs/given-input.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import type { Stdin } from "../terminal/stdin.ts";
import { parseDotenv } from "./dotenv/dotenv.ts";
import type { Doubt } from "./dotenv/doubts.ts";
import { refuseCiphertext } from "./dotenv/secret-text.ts";
import type { ReadFile } from "./file-base.ts";

/** The input of a push: a dotenv file (`-` is stdin; default `.env.<env>`), and `name=path` for each binary file. */
export interface PushInput {
  readonly from?: string | undefined;
  readonly file?: readonly string[] | undefined;
}

export interface ReadPushInput {
  /** The complete set. */
  readonly items: readonly NamedData[];
  readonly doubts: readonly Doubt[];
  readonly dotenv: ReadFile;
}

/**
 * @throws InputError a file cannot be used or read
 */
export async function readPushInput(
  { from, file }: PushInput,
  target: Target,
  sources: SecretSources,
): Promise<ReadPushInput> {
  const { secrets, doubts, dotenv } = await readDotenv(
    from ?? `.env.${target.env}`,
    from === undefined ? whichDotenv(target) : FROM_HINT,
    sources,
  );
  const binaries = await Promise.all((file ?? []).map((given) => readBinary(given, sources.stdin)));
  return { items: [...secrets, ...binaries], doubts, dotenv };
}

async function readDotenv(
  from: string,
  hint: string,
  sources: SecretSources,
): Promise<Omit<ReadPushInput, "items"> & { readonly secrets: readonly NamedData[] }> {
  const bytes = await readGivenInput({ path: from, flag: "--from", hint }, MAX_BUNDLE_BYTES, sources);
  const label = labelOf(from);
  const { entries, warnings, doubts } = parseDotenv(bytes, label);
  for (const { name, value, line } of entries) refuseCiphertext(name, value.exposeText(), `${label}: line ${line}`);
  for (const warning of warnings) sources.output.warn(warning);
  const secrets = entries.map(({ name, value }) => ({ name, kind: "secret", data: value }) as const);
  return { secrets, doubts, dotenv: { path: from === "-" ? null : from, bytes } };
}

/** A newcomer often has just one `.env`. It may belong to another env, so vsync never takes it unasked. */
function whichDotenv(target: Target): string {
  if (!existsSync(".env")) return FROM_HINT;
  return `if .env has what ${target.env} needs: ${commandOn(target, "push")} --from=.env`;
}

const FROM_HINT = "name the dotenv file with --from=<file>, or pipe it in with --from=-";

/**
 * Reads a file to store, from `<name>=<path>`. The path `-` is stdin.
 *
 * @throws InputError the text has another form, or the file cannot be used
 */
export async function readBinary(given: string, stdin: Stdin): Promise<NamedData> {
  const at = given.indexOf("=");
  const [name, path] = at === -1 ? ["", ""] : [given.slice(0, at), given.slice(at + 1)];
  if (name === "" || path === "") {
    throw new InputError("--file must be <name>=<path>", { hint: "as in --file certs/ca.pem=./ca.pem" });
  }
  const fault = itemNameFault(name, "file");
  if (fault !== null) {
    throw new InputError(`the name ${JSON.stringify(name)} of a file ${fault}`, {
      hint: "what stands before the = is the name in the vault, as in --file certs/ca.pem=./ca.pem",
    });
  }
  if (path === "-")
    return { name, kind: "file", data: Secret.ofBytes(await stdin.read(`--file=${name}=-`, MAX_BUNDLE_BYTES)) };
  const { mode, bytes } = await readRegularFile(path, MAX_BUNDLE_BYTES, "check the path after the = of --file");
  return { name, kind: "file", mode, data: Secret.ofBytes(bytes) };
}
