import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { Secret } from "../../crypto/secret.ts";
import { InputError } from "../../errors.ts";
import type { NamedData } from "../../vault/changes.ts";
import { itemNameFault } from "../../vault/item.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/limits.ts";
import type { Output } from "../terminal/output.ts";
import type { Stdin } from "../terminal/stdin.ts";
import { isNamedPipe, readAtMost } from "./bounded-file.ts";
import { parseDotenv } from "./dotenv.ts";

export interface PushSources {
  readonly stdin: Stdin;
  readonly output: Output;
}

/** What a push was told to take: a dotenv file (`-` is stdin; default `.env.<env>`), `name=path` for each binary file. */
export interface PushInput {
  readonly from?: string | undefined;
  readonly file?: readonly string[] | undefined;
}

/** The whole set of items that a push is to leave. @throws InputError a file is refused, or cannot be read */
export async function readPushInput(
  { from, file }: PushInput,
  env: string,
  sources: PushSources,
): Promise<readonly NamedData[]> {
  const secrets = await readDotenv(from ?? `.env.${env}`, sources);
  const binaries = await Promise.all((file ?? []).map(readBinary));
  return [...secrets, ...binaries];
}

async function readDotenv(from: string, { stdin, output }: PushSources): Promise<readonly NamedData[]> {
  const bytes = from === "-" ? await stdin.read("--from", MAX_BUNDLE_BYTES) : await readTextFile(from, FROM_HINT);
  const { entries, warnings } = parseDotenv(bytes, from === "-" ? "stdin" : from);
  for (const warning of warnings) output.warn(warning);
  return entries.map(({ name, value }) => ({ name, kind: "secret", data: value }));
}

const FROM_HINT = "name the dotenv file with --from=<file>, or pipe it in with --from=-";

/** All of a file that `--from` names. @throws InputError it cannot be read, or is larger than a vault */
export async function readTextFile(path: string, hint: string): Promise<Uint8Array> {
  try {
    const stats = await stat(path);
    if (isNamedPipe(path, stats)) {
      throw new InputError(`${path} is a named pipe`, { hint: "pipe it in with --from=-" });
    }
    if (stats.size > MAX_BUNDLE_BYTES) throw tooLarge(path, String(stats.size));
    const bytes = await readAtMost(path, MAX_BUNDLE_BYTES);
    if (bytes.length > MAX_BUNDLE_BYTES) throw tooLarge(path, `more than ${MAX_BUNDLE_BYTES}`);
    return bytes;
  } catch (error) {
    throw unreadable(path, error, hint);
  }
}

function tooLarge(path: string, bytes: string): InputError {
  return new InputError(`${path} has ${bytes} bytes: a vault holds ${MAX_BUNDLE_BYTES} in all`, {
    hint: "keep it elsewhere, and its location and key here",
  });
}

/** A file to hold, from `<name>=<path>`. @throws InputError it is not that, or the file is refused */
export async function readBinary(given: string): Promise<NamedData> {
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
  return { name, kind: "file", ...(await readWhole(path, "check the path after the = of --file")) };
}

/** A regular file, to the byte. @throws InputError it is none, is larger than a vault, or cannot be read */
export async function readWhole(path: string, hint: string): Promise<{ mode: number; data: Secret }> {
  try {
    // O_NONBLOCK: opening a named pipe would wait for its other end. Windows has no such flag.
    await using handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = await handle.stat();
    if (!stats.isFile()) throw new InputError(`${path} is no regular file`, { hint });
    if (stats.size > MAX_BUNDLE_BYTES) throw tooLarge(path, String(stats.size));
    return { mode: stats.mode & 0o777, data: Secret.ofBytes(await handle.readFile()) };
  } catch (error) {
    throw unreadable(path, error, hint);
  }
}

function unreadable(path: string, error: unknown, hint: string): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  const why = error.code === "ENOENT" ? "is not there" : `cannot be read (${String(error.code)})`;
  return error instanceof InputError ? error : new InputError(`${path} ${why}`, { hint });
}
