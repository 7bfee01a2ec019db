/** `ENOENT` and the like, for a message. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}

/** The error code of a failed system call, or undefined for any other failure. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  const code = errnoOf(error);
  return code !== undefined && codes.includes(code);
}

/** A file's permission bits as people write them: `0640`. */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Windows reports the same mode and owner for every file. */
export function hasModes(): boolean {
  return process.platform !== "win32";
}

/** Files of root count as one's own, because root can change any file anyway. */
export function belongsToAnother({ uid }: { readonly uid: number }): boolean {
  return uid !== 0 && uid !== process.geteuid?.();
}
