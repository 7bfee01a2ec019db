import { type GivenFile, readGivenFile } from "../../disk/given-file.ts";
import type { SecretSources } from "./secret-input.ts";

/** The bytes of a file that a flag names; `-` is stdin. */
export function readGivenInput(
  file: GivenFile,
  maxBytes: number,
  { stdin }: Pick<SecretSources, "stdin">,
): Promise<Uint8Array> {
  return file.path === "-" ? stdin.read(file.flag, maxBytes) : readGivenFile(file, maxBytes);
}

/** The input's name in messages. */
export function labelOf(path: string): string {
  return path === "-" ? "stdin" : path;
}
