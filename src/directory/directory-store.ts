import { createHash } from "node:crypto";
import { unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { type Action, storeFault } from "../disk/faults.ts";
import { syncFolder, unlessGone } from "../disk/folders.ts";
import { createPrivateFile } from "../disk/private-file.ts";
import { type ProcessTable, systemProcesses } from "../disk/process-table.ts";
import type { GetOptions, ListOptions, ObjectStore, ReadOptions, StoredObject, Version } from "../ports.ts";
import { type Claim, withClaim } from "./claim.ts";
import { isFolder, makeFolderBelow, rootMissing } from "./folders.ts";
import { shareFile } from "./group-access.ts";
import { listKeys } from "./list-keys.ts";
import { type DirectoryLocation, objectPath, prefixFolder, rootOf, WORK_FOLDER } from "./location.ts";
import { isTaken, readObjectFile, versionOf } from "./object-file.ts";
import { conflictAt, publishNew, publishOver } from "./publish.ts";
import { discard, newWorkFile, sweep, sweepAbandoned, type WorkFile } from "./work-folder.ts";

const CLAIM_TIMEOUT_MS = 10_000;

export interface DirectoryStoreOptions {
  /** How long `replace` waits for another process that replaces the same object, in milliseconds. Default 10 000. */
  readonly claimTimeoutMs?: number;
  /** Default: the processes of this machine. */
  readonly processes?: ProcessTable;
}

/**
 * An `ObjectStore` over a local directory (format.md §1). An object is one file that never changes: `link` creates it,
 * `rename` replaces it, `unlink` deletes it. Touches nothing before the first call.
 *
 * @throws InputError the location cannot be a directory under its endpoint
 */
export function openDirectoryStore(location: DirectoryLocation, options: DirectoryStoreOptions = {}): ObjectStore {
  return new DirectoryStore(location, options);
}

class DirectoryStore implements ObjectStore {
  readonly label: string;
  readonly #location: DirectoryLocation;
  readonly #root: string;
  readonly #workFolder: string;
  readonly #processes: ProcessTable;
  readonly #claimTimeoutMs: number;

  constructor(location: DirectoryLocation, options: DirectoryStoreOptions) {
    this.#location = location;
    this.label = prefixFolder(location);
    this.#root = rootOf(location);
    this.#workFolder = this.label + WORK_FOLDER;
    this.#processes = options.processes ?? systemProcesses();
    this.#claimTimeoutMs = options.claimTimeoutMs ?? CLAIM_TIMEOUT_MS;
  }

  async head(key: string, options: ReadOptions = {}): Promise<Version | null> {
    return (await this.#read(key, 0, options))?.version ?? null;
  }

  async get(key: string, options: GetOptions): Promise<StoredObject | null> {
    return this.#read(key, options.maxBytes + 1, options);
  }

  async create(key: string, bytes: Uint8Array): Promise<Version> {
    const path = this.#pathOf(key);
    return attempt("write", path, async () => {
      if (await isTaken(path)) throw conflictAt(path, "exists");
      await makeFolderBelow(dirname(path), this.#root);
      await this.#withTemporary(key, bytes, (temporary) => publishNew(temporary.path, path));
      return versionOf(bytes);
    });
  }

  async replace(key: string, bytes: Uint8Array, version: Version): Promise<Version> {
    const path = this.#pathOf(key);
    return attempt("write", path, async () => {
      await this.#checkVersion(key, version);
      await this.#withTemporary(key, bytes, (temporary) =>
        this.#withClaim(key, version, async (claim) => {
          await this.#checkVersion(key, version);
          await claim.confirm();
          await publishOver(temporary.path, path, versionOf(bytes));
        }),
      );
      return versionOf(bytes);
    });
  }

  async *list(keyPrefix: string, options: ListOptions = {}): AsyncGenerator<string> {
    const keys = await attempt("list", this.label, async () => {
      const found = await listKeys(this.label, keyPrefix, options);
      if (found.length === 0) await this.#checkRoot();
      return found;
    });
    for (const key of keys) {
      options.signal?.throwIfAborted();
      yield key;
    }
  }

  /** Takes no claim, because a claim needs disk space, and people delete when the disk is full. */
  async delete(key: string): Promise<void> {
    const path = this.#pathOf(key);
    return attempt("delete", path, async () => {
      if (!(await isTaken(path))) return this.#checkRoot();
      await unlink(path).catch(unlessGone);
      await syncFolder(dirname(path));
    });
  }

  #pathOf(key: string): string {
    return objectPath(this.#location, key);
  }

  async #read(key: string, keepBytes: number, { signal }: ReadOptions): Promise<StoredObject | null> {
    const path = this.#pathOf(key);
    signal?.throwIfAborted();
    return attempt("read", path, async () => {
      const stored = await readObjectFile(path, { keepBytes, signal });
      if (!stored) await this.#checkRoot();
      return stored;
    });
  }

  async #checkRoot(): Promise<void> {
    if (!(await isFolder(this.#root))) throw rootMissing(this.#root);
  }

  async #checkVersion(key: string, version: Version): Promise<void> {
    if ((await this.head(key)) !== version) throw conflictAt(this.#pathOf(key), "has changed");
  }

  async #withTemporary(key: string, bytes: Uint8Array, use: (temporary: WorkFile) => Promise<void>): Promise<void> {
    await makeFolderBelow(this.#workFolder, this.#root);
    const unknown = await sweep(this.#workFolder, this.#processes);
    const temporary = newWorkFile(this.#workFolder, "temp", subjectOf(key), await this.#processes.self());
    try {
      await createPrivateFile(temporary.path, bytes);
      await sweepAbandoned(unknown, temporary);
      await shareFile(temporary.path, this.#pathOf(key));
      await use(temporary);
    } finally {
      await discard(temporary);
    }
  }

  #withClaim(key: string, version: Version, work: (claim: Claim) => Promise<void>): Promise<void> {
    const request = {
      folder: this.#workFolder,
      subject: subjectOf(key),
      processes: this.#processes,
      timeoutMs: this.#claimTimeoutMs,
      label: this.#pathOf(key),
      checkWorthWaiting: () => this.#checkVersion(key, version),
    };
    return withClaim(request, work);
  }
}

async function attempt<T>(action: Action, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeFault(error, action, path);
  }
}

function subjectOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 16);
}
