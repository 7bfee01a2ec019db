import { isAbsolute } from "node:path";
import { Secret } from "../crypto/secret.ts";
import { ConfigMissingError } from "../errors.ts";
import { readSecretFile } from "../file/secret-file.ts";
import type { Warn } from "./warnings.ts";

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
export async function readInputFile({ variable, path }: FileVariable, warn: Warn): Promise<Secret> {
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
