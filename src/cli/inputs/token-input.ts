import type { RuntimeToken } from "../../blob/token.ts";
import { decodeToken } from "../../blob/token.ts";
import { InputError } from "../../errors.ts";
import { readGivenSecret, type SecretInput, type SecretSources } from "./secret-input.ts";

const MAX_TOKEN_BYTES = 1024 * 1024;

const TOKEN = {
  what: "the runtime token",
  flag: "file",
  variable: "VSYNC_CONFIG",
} as const satisfies Pick<SecretInput, "what" | "flag" | "variable">;

/**
 * The runtime token from the file that the flag names, `VSYNC_CONFIG_FILE` or `VSYNC_CONFIG`; null if none of them is set.
 *
 * @throws as `decodeToken`
 * @throws InputError the file is refused
 */
export async function findToken(file: string | undefined, sources: SecretSources): Promise<RuntimeToken | null> {
  const given = await readGivenSecret(TOKEN, file, sources);
  return given === null ? null : decodeToken(given.exposeText());
}

/** As `findToken`, but falls back to stdin. @throws InputError also if stdin is empty or a terminal */
export async function readToken(file: string | undefined, sources: SecretSources): Promise<RuntimeToken> {
  return (await findToken(file, sources)) ?? decodeToken(await textOnStdin(sources));
}

async function textOnStdin({ stdin }: SecretSources): Promise<string> {
  const bytes = stdin.isTerminal ? new Uint8Array() : await stdin.read("the runtime token", MAX_TOKEN_BYTES);
  const text = new TextDecoder().decode(bytes).trimEnd();
  if (text !== "") return text;
  throw new InputError("missing the runtime token", {
    hint: "give it on stdin, in VSYNC_CONFIG or VSYNC_CONFIG_FILE, or with --file=<file>",
  });
}
