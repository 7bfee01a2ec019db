/** `ENOENT` and the like, for a message. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}

/** A file's permission bits as people write them: `0640`. */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
