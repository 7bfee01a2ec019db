import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, mkdir, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBox, sealBox } from "../../crypto/box.ts";
import { storeFault } from "../../disk/faults.ts";
import { FOLDER_MODE, unlessGone, unlessThere } from "../../disk/folders.ts";
import { open } from "../../disk/open.ts";
import { hasModes } from "../../disk/posix.ts";
import { READ_PLAIN_FILE } from "../../disk/private-file.ts";
import { type ProcessIdentity, type ProcessTable, systemProcesses } from "../../disk/process-table.ts";
import { AccessDeniedError, BundleCorruptError, S3UnreachableError, VsyncError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import { systemRandom } from "../../stores/open-store.ts";
import type { Spool, SpoolPart } from "../../usage/recorder.ts";

/**
 * Keeps usage events on this machine's disk until the store has them. Each process and flush has its own file, whose
 * lines are boxes under a key of the token: only holders of the token can read them or add any.
 */

const FILE_MODE = 0o600;
/** For all files of one token. */
const MAX_BYTES = 64 * 1024 * 1024;
/** The process of a file may be on another machine or in another container. After this time it counts as ended. */
const ABANDONED_MS = 15 * 60_000;
const NAME = /^(tok_[0-9a-f]{32})\.([0-9a-f]{16})\.(\d{1,10})\.(\d{1,20})\.[0-9a-f]{16}\.spool$/;

export interface UsageSpoolOptions {
  /** Default: `vsync-usage-<uid>` in the folder for temporary files. */
  readonly folder?: string | undefined;
  /** The token's id. */
  readonly token: string;
  /** 32 bytes, the same for all processes of the token. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  /** Receives warnings about usage that is not sent. */
  readonly warn: (message: string) => void;
  readonly processes?: ProcessTable;
  readonly maxBytes?: number;
}

export class UsageSpool implements Spool {
  readonly #folder: string;
  readonly #token: string;
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #warn: (message: string) => void;
  readonly #processes: ProcessTable;
  readonly #maxBytes: number;
  #file: { readonly path: string; readonly handle: FileHandle } | null = null;
  #taken: string[] = [];
  #bytes = 0;
  #made: Promise<void> | null = null;

  constructor({ folder, token, key, clock, warn, processes, maxBytes }: UsageSpoolOptions) {
    this.#folder = folder ?? join(tmpdir(), `vsync-usage-${process.getuid?.() ?? "app"}`);
    this.#token = token;
    this.#key = Uint8Array.from(key);
    this.#clock = clock;
    this.#warn = warn;
    this.#processes = processes ?? systemProcesses();
    this.#maxBytes = maxBytes ?? MAX_BYTES;
  }

  async append(lines: readonly string[]): Promise<void> {
    const box = sealBox(systemRandom, this.#key, this.#token, Buffer.from(lines.join("\n")));
    // A full disk may have cut the previous line short: start a new one.
    const line = `\n${Buffer.from(box).toString("base64")}`;
    if (this.#bytes + line.length > this.#maxBytes) {
      throw new S3UnreachableError(`${this.#folder} is full: it holds ${this.#bytes} bytes of usage`, {
        hint: "check why the store refuses it",
      });
    }
    await this.#naming("write", async () => {
      await this.#makeFolder();
      this.#file ??= await this.#newFile();
      await this.#file.handle.writeFile(line);
      await this.#file.handle.datasync();
      this.#bytes += line.length;
    });
  }

  async takeLeft(): Promise<readonly string[]> {
    return this.#naming("read", async () => {
      await this.#makeFolder();
      const lines: (readonly string[])[] = [];
      const others = new Set<string>();
      for (const name of await readdir(this.#folder)) {
        const token = await this.#leftBy(name);
        if (token === this.#token) lines.push(await this.#take(name).catch((error) => this.#unsent(error)));
        else if (token !== null) others.add(token);
      }
      this.#warnOf(others);
      return lines.flat();
    });
  }

  /** Removes what ended processes of this token left behind. Returns the number of files. */
  async dropLeft(): Promise<number> {
    return this.#naming("write", async () => {
      await this.#makeFolder();
      let count = 0;
      for (const name of await readdir(this.#folder)) {
        if ((await this.#leftBy(name)) !== this.#token) continue;
        await unlink(join(this.#folder, name)).catch(unlessGone);
        count++;
      }
      return count;
    });
  }

  /** Only their own token's credential opens these lines, and a rotated token has a new one. */
  #warnOf(others: ReadonlySet<string>): void {
    for (const token of others) {
      this.#warn(
        `${this.#folder} has usage of ${token} that no process sends: \`vsync usage send\` with that token in VSYNC_CONFIG ` +
          `sends it while the token is good, and \`vsync usage send --drop=${token}\` removes it`,
      );
    }
  }

  async cut(): Promise<SpoolPart> {
    const [file, taken, bytes] = [this.#file, this.#taken, this.#bytes];
    this.#file = null;
    this.#taken = [];
    await file?.handle.close();
    const paths = [...taken, ...(file === null ? [] : [file.path])];
    return {
      remove: async () => {
        for (const path of paths) await unlink(path).catch(unlessGone);
        this.#bytes -= Math.min(bytes, this.#bytes);
      },
    };
  }

  async #makeFolder(): Promise<void> {
    this.#made ??= this.#makeOwnFolder().catch((error: unknown) => {
      this.#made = null;
      throw error;
    });
    await this.#made;
  }

  /**
   * Everyone can write to the folder for temporary files, so somebody else may have made this folder, to read or to add
   * events.
   */
  async #makeOwnFolder(): Promise<void> {
    await mkdir(this.#folder, { mode: FOLDER_MODE }).catch(unlessThere);
    const stats = await lstat(this.#folder);
    const isOwn = !hasModes() || (stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0);
    if (stats.isDirectory() && isOwn) return;
    throw new AccessDeniedError(`${this.#folder} is not a folder that only this user can enter`, {
      hint: "name another folder with VSYNC_USAGE_SPOOL, or chmod 700 it",
    });
  }

  async #newFile(): Promise<{ path: string; handle: FileHandle }> {
    const path = join(this.#folder, await this.#newName());
    return { path, handle: await open(path, "ax", FILE_MODE) };
  }

  async #newName(): Promise<string> {
    const { place, pid, start } = await this.#processes.self();
    return `${this.#token}.${place}.${pid}.${start}.${randomBytes(8).toString("hex")}.spool`;
  }

  /**
   * The token of the process that left this file; null if the file names no token or the process may still be running.
   */
  async #leftBy(name: string): Promise<string | null> {
    const [, token, place, pid, start] = NAME.exec(name) ?? [];
    if (token === undefined || place === undefined || start === undefined) return null;
    return (await this.#hasEnded({ place, pid: Number(pid), start }, name)) ? token : null;
  }

  async #hasEnded(owner: ProcessIdentity, name: string): Promise<boolean> {
    const status = await this.#processes.status(owner);
    if (status !== "unknown") return status === "dead";
    const stats = await stat(join(this.#folder, name)).catch(() => null);
    return stats !== null && this.#clock.nowMs() - stats.mtimeMs > ABANDONED_MS;
  }

  async #take(name: string): Promise<readonly string[]> {
    const path = join(this.#folder, await this.#newName());
    return this.#naming("read", () => this.#takeAs(path, name), path);
  }

  /** If two processes start at once, the rename decides which of them takes the file. */
  async #takeAs(path: string, name: string): Promise<readonly string[]> {
    try {
      await rename(join(this.#folder, name), path);
    } catch (error) {
      unlessGone(error);
      return [];
    }
    const text = await readFile(path, { encoding: "utf8", flag: READ_PLAIN_FILE });
    this.#taken.push(path);
    this.#bytes += text.length;
    return text.split("\n").flatMap((line) => this.#linesIn(line));
  }

  /** The file stays, for the next process, and does not keep the others from being sent. */
  #unsent(error: unknown): readonly string[] {
    if (!(error instanceof VsyncError)) throw error;
    this.#warn(`usage that an earlier process left is not sent: ${error.message}`);
    return [];
  }

  /** Skips a line that a kill or a full disk has cut short. */
  #linesIn(line: string): readonly string[] {
    try {
      const plain = openBox(this.#key, this.#token, Buffer.from(line, "base64"), "the spool");
      return Buffer.from(plain).toString().split("\n");
    } catch (error) {
      if (error instanceof BundleCorruptError) return [];
      throw error;
    }
  }

  async #naming<T>(action: "read" | "write", work: () => Promise<T>, path = this.#folder): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeFault(error, action, path);
    }
  }
}
