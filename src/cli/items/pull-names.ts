/*
 * File systems have names for a file beside the one that it was given. What is written by any of them is written to that file.
 */

/** What HFS+ leaves out when it compares names. */
const IGNORED = /[\u200b-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows allows none of them
const NOT_ON_WINDOWS = /[<>:"|?*\u0000-\u001f]|[. ]$/;

/** Why `pull` does not write a file of this name on this platform, for a message; null where it does. */
export function pullNameFault(name: string, platform: string): string | null {
  const segments = name.split("/");
  if (segments.some(isGit)) return "would be written into git's own folder";
  if (platform !== "win32") return null;
  if (segments.some((segment) => DEVICE.test(segment))) return "is the name of a device on Windows";
  return segments.some((segment) => NOT_ON_WINDOWS.test(segment)) ? "is not a valid file name on Windows" : null;
}

/** `.git/config` names programs that git runs. NTFS knows the folder as `git~1`, `.git.` and `.git::$INDEX_ALLOCATION` as well. */
function isGit(segment: string): boolean {
  const plain = segment.replaceAll(IGNORED, "").toLowerCase();
  return /^(?:\.git|git~1)[. ]*(?::|$)/.test(plain);
}
