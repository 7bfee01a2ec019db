import { lstat, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { belongsToAnother, hasModes, modeText } from "../../disk/posix.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

const STICKY = 0o1000;

/**
 * Decides which files around the working folder to trust: those that no other user could have written. In a shared
 * folder above, such files could lead a command to another user's vault (compare git's CVE-2022-24765). Root's files
 * are trusted, and under sudo those of the caller.
 */
export class Owners {
  readonly #sudoer: string | undefined;
  /** Paths that were ignored, and why. */
  readonly passedOver = new Map<string, string>();

  constructor(variables: Variables) {
    this.#sudoer = process.geteuid?.() === 0 ? variables["SUDO_UID"] : undefined;
  }

  /** Whether the path exists and no other user owns or may write it, its folder, or the target of a link. */
  async trust(path: string): Promise<boolean> {
    const looks = [[dirname(path), stat] as const, [path, lstat] as const, [path, stat] as const];
    if ((await lstat(path).catch(() => null)) === null) return false;
    for (const [place, look] of looks) {
      const stats = await look(place).catch(() => null);
      const fault = stats === null || stats.isSymbolicLink() ? null : this.#faultOf(stats, place !== path);
      const foreign = stats !== null && stats.isSymbolicLink() && this.#isForeign(stats) ? ownedBy(stats.uid) : null;
      if (fault === null && foreign === null) continue;
      this.passedOver.set(place, fault ?? foreign ?? "");
      return false;
    }
    return true;
  }

  #faultOf(stats: { uid: number; gid: number; mode: number }, isFolder: boolean): string | null {
    if (this.#isForeign(stats)) return ownedBy(stats.uid);
    if (!hasModes() || (isFolder && (stats.mode & STICKY) !== 0)) return null;
    // With a umask of 002, everything is writable for the user's own group, which has no other members.
    const others = stats.gid === process.getegid?.() || stats.gid === 0 ? 0o002 : 0o022;
    return (stats.mode & others) === 0 ? null : `can be changed by other users (mode ${modeText(stats.mode & 0o777)})`;
  }

  #isForeign(stats: { uid: number }): boolean {
    return belongsToAnother(stats) && String(stats.uid) !== this.#sudoer;
  }
}

const ownedBy = (uid: number): string => `belongs to another user (uid ${uid})`;
