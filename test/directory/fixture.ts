import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { onTestFinished } from "vitest";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { type DirectoryLocation, fileEndpoint } from "../../src/directory/location.ts";
import type { ObjectStore } from "../../src/ports.ts";

const PREFIX = "api/prod/";

/** A folder for one test, removed after it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(`${tmpdir()}/vsync file store `);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface StoreFolder {
  readonly location: DirectoryLocation;
  readonly store: ObjectStore;
  /** `<endpoint path>/<bucket>` */
  readonly root: string;
  /** Where the objects are, with a trailing slash. */
  readonly folder: string;
  readonly workFolder: string;
}

/** A store at `at`, or in a temporary folder. Its root exists, its prefix does not. */
export async function newStore(at?: string): Promise<StoreFolder> {
  const location = { endpoint: fileEndpoint(at ?? (await temporaryFolder())), bucket: "vsync", prefix: PREFIX };
  await createDirectoryRoot(location);
  const store = openDirectoryStore(location);
  const root = store.label.slice(0, -PREFIX.length - 1);
  return { location, store, root, folder: store.label, workFolder: `${store.label}.vsync` };
}

export async function read(store: ObjectStore, key: string): Promise<string | null> {
  const stored = await store.get(key, { maxBytes: 1024 * 1024 });
  return stored && new TextDecoder().decode(stored.bytes);
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
